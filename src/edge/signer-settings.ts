/** The part of the configuration about signing keys and the way to the signer; `config.ts` takes it in. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/** A secret shorter than this could be guessed. */
export const MIN_SECRET_LENGTH = 32;

export const listOf = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

export const SIGNER_ENVIRONMENT = {
  TONGREN_KEY_STORE: z
    .enum(['files', 'pkcs11'])
    .default('files')
    .describe('Where new signing keys are made: files, or pkcs11 (P-256 in the token, other suites in encrypted files).'),
  TONGREN_PKCS11_MODULE: z.string().min(1).optional().describe('PKCS#11 module of the HSM (.so file).'),
  TONGREN_PKCS11_TOKEN: z.string().min(1).max(32).optional().describe('Label or serial number of the token.'),
  TONGREN_PKCS11_PIN: z.string().min(1).optional().describe('PIN of the token; better as TONGREN_PKCS11_PIN_FILE.'),
  TONGREN_SIGNER_SOCKET: z.string().min(1).optional().describe('Unix socket of the signer, when it is a process of its own.'),
  TONGREN_SIGNER_TOKEN: z.string().min(MIN_SECRET_LENGTH).optional().describe('Token that this process shows to the signer.'),
  TONGREN_SIGNER_TOKENS: z
    .string()
    .default('')
    .transform(listOf)
    .pipe(z.array(z.string().regex(/^[a-z][a-z0-9-]{0,49}=.+$/, 'expected caller=file, comma separated')))
    .describe('For the signer: files with the token of each caller, as web=FILE,worker=FILE.'),
  TONGREN_SIGNER_URL: z
    .url({ protocol: /^https$/ })
    .optional()
    .describe('Address of the signer over the network, with mutual TLS; instead of the socket.'),
  TONGREN_SIGNER_LISTEN: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:[\]]+):\d{1,5}$/, 'expected host:port')
    .optional()
    .describe('For the signer: host:port on which it serves mutual TLS, beside or instead of the socket.'),
  TONGREN_SIGNER_CERT: z.string().min(1).optional().describe('PEM file: certificate (chain) of this process between callers and signer.'),
  TONGREN_SIGNER_KEY: z.string().min(1).optional().describe('PEM file: private key of that certificate.'),
  TONGREN_SIGNER_CA: z.string().min(1).optional().describe('PEM file: CA of the other side of that connection.'),
  TONGREN_SIGNER_POLICY: z
    .string()
    .min(1)
    .optional()
    .describe('For the signer: JSON file saying which caller may use which keys for what.'),
};

type SignerEnvironment = z.infer<z.ZodObject<typeof SIGNER_ENVIRONMENT>> & { TONGREN_ROLES: readonly string[] };

export interface SignerSettings {
  /** Token and PIN are secrets. */
  keys: { store: 'files' } | { store: 'pkcs11'; modulePath: string; token: string; pin: string };
  socketPath: string | undefined;
  token: string | undefined;
  /** For the signer: caller → token, besides `token`. */
  tokens: Readonly<Record<string, string>>;
  /** For callers. */
  url: string | undefined;
  listen: { host: string; port: number } | undefined;
  /** Files, not their content: they are read again when they were renewed. */
  tlsFiles: { certificate: string; key: string; authority: string } | undefined;
  policyFile: string | undefined;
}

/** What concerns the signer and the way to it; adds to the faults what does not fit together. */
export function signerSettings(env: SignerEnvironment, faults: string[]): SignerSettings {
  const isSigner = env.TONGREN_ROLES.includes('signer');
  const { TONGREN_SIGNER_SOCKET: socketPath, TONGREN_SIGNER_TOKEN: token, TONGREN_SIGNER_URL: url, TONGREN_SIGNER_LISTEN: listen } = env;
  if (!isSigner && !socketPath && !url)
    faults.push('TONGREN_SIGNER_SOCKET or TONGREN_SIGNER_URL must be set when the signer is another process.');
  if (socketPath && url) faults.push('TONGREN_SIGNER_SOCKET and TONGREN_SIGNER_URL are both set.');
  if (isSigner && url) faults.push('TONGREN_SIGNER_URL is for callers; the signer itself has TONGREN_SIGNER_LISTEN.');
  const tokens = readTokens(env.TONGREN_SIGNER_TOKENS, faults);
  if (socketPath && !token && Object.keys(tokens).length === 0)
    faults.push('TONGREN_SIGNER_TOKEN (or for the signer TONGREN_SIGNER_TOKENS) must be set together with TONGREN_SIGNER_SOCKET.');
  if (socketPath && !isSigner && !token) faults.push('TONGREN_SIGNER_TOKEN must be set together with TONGREN_SIGNER_SOCKET.');
  const { TONGREN_SIGNER_CERT: certificate, TONGREN_SIGNER_KEY: key, TONGREN_SIGNER_CA: authority } = env;
  const tlsFiles = certificate && key && authority ? { certificate, key, authority } : undefined;
  if ((url || listen) && !tlsFiles)
    faults.push('TONGREN_SIGNER_CERT, TONGREN_SIGNER_KEY and TONGREN_SIGNER_CA must be set for mutual TLS.');
  for (const [name, file] of Object.entries({ CERT: certificate, KEY: key, CA: authority, POLICY: env.TONGREN_SIGNER_POLICY })) {
    if (file && !existsSync(file)) faults.push(`TONGREN_SIGNER_${name} names a file that is not there.`);
  }
  const { TONGREN_PKCS11_MODULE: modulePath, TONGREN_PKCS11_TOKEN: label, TONGREN_PKCS11_PIN: pin } = env;
  const wantsToken = env.TONGREN_KEY_STORE === 'pkcs11' && isSigner;
  if (wantsToken && !(modulePath && label && pin))
    faults.push('TONGREN_PKCS11_MODULE, TONGREN_PKCS11_TOKEN and TONGREN_PKCS11_PIN (or _FILE) must be set for TONGREN_KEY_STORE=pkcs11.');
  const last = listen?.lastIndexOf(':') ?? 0;
  return {
    keys: wantsToken ? { store: 'pkcs11', modulePath: modulePath ?? '', token: label ?? '', pin: pin ?? '' } : { store: 'files' },
    socketPath,
    token,
    tokens,
    url,
    listen: listen ? { host: listen.slice(0, last).replace(/^\[|\]$/g, ''), port: Number(listen.slice(last + 1)) } : undefined,
    tlsFiles,
    policyFile: env.TONGREN_SIGNER_POLICY,
  };
}

function readTokens(entries: readonly string[], faults: string[]): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const entry of entries) {
    const caller = entry.slice(0, entry.indexOf('='));
    const file = entry.slice(caller.length + 1);
    if (!existsSync(file)) faults.push(`TONGREN_SIGNER_TOKENS names a file for ${caller} that is not there.`);
    else tokens[caller] = readFileSync(file, 'utf8').trim();
    if (tokens[caller] !== undefined && tokens[caller].length < MIN_SECRET_LENGTH)
      faults.push(`TONGREN_SIGNER_TOKENS: the token of ${caller} has fewer than ${MIN_SECRET_LENGTH} characters.`);
  }
  return tokens;
}
