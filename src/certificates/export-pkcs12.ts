/**
 * A certificate with a key that we make, as a PKCS#12 file, handed over once. Only for profiles whose key nobody signs binding
 * statements with; the key is in no store of ours before, and nowhere here after.
 */
import { encodePfx } from '#crypto/pfx.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { PROFILES } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { type IssueCertificateInput, type IssuedCertificate, issueCertificate } from './issue-certificate.ts';

const MIN_PASSWORD = 12;
const MAX_PASSWORD = 128;
const KINDS = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/];

export interface ExportInput extends Omit<IssueCertificateInput, 'spki'> {
  /** 12 to 128 printable ASCII characters of three kinds at least. It is not kept. */
  password: string;
}

/**
 * Issues and exports. Throws Problem `certificate-key-not-made-here`, `pfx-suite-not-offered`, `pfx-password-too-weak`,
 * and what `issueCertificate` throws.
 */
export async function issueWithKeyFile(
  deps: CertificateDeps,
  { password, ...input }: ExportInput,
): Promise<IssuedCertificate & { pfx: Uint8Array }> {
  if (!PROFILES[input.profile].exportable) throw new Problem('certificate-key-not-made-here');
  if (input.suite !== 'es256') throw new Problem('pfx-suite-not-offered');
  requireStrongPassword(password);
  const { pkcs8, spki } = generateKeyPair(input.suite);
  try {
    const issued = await issueCertificate(deps, { ...input, spki });
    const chain = issued.chain.map(({ der }) => der);
    return { ...issued, pfx: await encodePfx({ pkcs8, chain, password, friendlyName: input.subject.commonName }) };
  } finally {
    pkcs8.fill(0);
  }
}

/** The file can be tried offline at leisure, so its password carries all. Throws Problem `pfx-password-too-weak`. */
export function requireStrongPassword(password: string): void {
  const fine =
    password.length >= MIN_PASSWORD &&
    password.length <= MAX_PASSWORD &&
    /^[\x20-\x7e]+$/.test(password) &&
    new Set(password).size >= 6 &&
    KINDS.filter((kind) => kind.test(password)).length >= 3;
  if (!fine) throw new Problem('pfx-password-too-weak');
}
