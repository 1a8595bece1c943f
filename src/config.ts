/**
 * One strict schema over the environment. Unknown `TONGREN_` names are refused, secrets may come from files
 * (`…_FILE`), and all faults are reported together. The table in README.md is generated from here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { listOf, MIN_SECRET_LENGTH, SIGNER_ENVIRONMENT, type SignerSettings, signerSettings } from '#edge/signer-settings.ts';

export const ROLES = ['web', 'worker', 'signer'] as const;
export type Role = (typeof ROLES)[number];

const DEVELOPMENT_SECRET_FILE = fileURLToPath(new URL('../keys/development-secret.txt', import.meta.url));

const flag = z.stringbool();

const PARTITIONS = /^(?:persons|organisations|seals|devices|services)=(?:[2-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-6])$/;

/** The environment as people may set it. Descriptions go into the README. */
export const ENVIRONMENT = z.strictObject({
  TONGREN_PORT: z.coerce.number().int().min(0).max(65_535).default(3000).describe('Port of the web role.'),
  TONGREN_HOST: z.string().min(1).optional().describe('Address to listen on; 0.0.0.0 for all. Default: loopback, with --tls all.'),
  TONGREN_ORIGIN: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Public origin, for example https://id.example.gov.cn. The OIDC issuer is this with /oidc: changing it breaks every client.'),
  TONGREN_DATA_DIR: z.string().min(1).default('data').describe('Folder for everything made at run time.'),
  TONGREN_ROLES: z
    .string()
    .default(ROLES.join(','))
    .transform(listOf)
    .pipe(z.array(z.enum(ROLES)).min(1))
    .describe('What this process does: web, worker, signer.'),
  TONGREN_DEMO: flag.optional().describe('Makes the demo city on the first start and runs its two apps. Default: on, off in production.'),
  TONGREN_DEMO_PORTS: z
    .string()
    .default('3001,3002')
    .transform(listOf)
    .pipe(z.array(z.string().transform(Number).pipe(z.int().min(0).max(65_535))).length(2))
    .describe('Ports of the two demo apps.'),
  TONGREN_SECRET: z.string().min(MIN_SECRET_LENGTH).optional().describe('Master secret: seals data keys and key files.'),
  TONGREN_SECRET_BEFORE: z.string().min(1).optional().describe('The master secret before this one, while it changes: see `keys rewrap`.'),
  ...SIGNER_ENVIRONMENT,
  TONGREN_SMS_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('SMS gateway: receives {phone, text} as JSON by POST. Without it messages are simulated.'),
  TONGREN_SMS_TOKEN: z.string().min(1).optional().describe('Bearer token for the SMS gateway.'),
  TONGREN_REGISTRY_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Population register: receives {name, citizenNumber} as JSON by POST, answers {result}. Without it a simulator answers.'),
  TONGREN_REGISTRY_TOKEN: z.string().min(1).optional().describe('Bearer token for the population register.'),
  TONGREN_CERTIFICATE_NAMES: z
    .enum(['clear', 'masked'])
    .default('clear')
    .describe('How certificates name people: clear, or masked (family name and stars).'),
  TONGREN_CERTIFICATE_NUMBERS: z
    .enum(['omitted', 'hashed', 'encrypted'])
    .default('omitted')
    .describe('The citizen number in certificates of people: omitted, hashed or encrypted with our key; never in clear.'),
  TONGREN_CRL_PARTITIONS: z
    .string()
    .default('')
    .transform(listOf)
    .pipe(
      z
        .array(z.string().regex(PARTITIONS, 'is written like persons=16,devices=8, with 2 to 256 parts'))
        .refine((pairs) => new Set(pairs.map((pair) => pair.split('=')[0])).size === pairs.length, 'names an area twice'),
    )
    .describe('Parts into which the revocation lists of an area go, for very many certificates: persons=16,devices=8. Only grows.'),
  TONGREN_METRICS_TOKEN: z.string().min(16).optional().describe('Bearer token with which /metrics answers beyond loopback.'),
  TONGREN_OUTBOUND_ALLOW: z
    .string()
    .default('')
    .transform(listOf)
    .describe('Hosts that may be called although their address is private, comma separated.'),
  TONGREN_DOMAIN_CONTROL: z
    .enum(['http', 'simulated'])
    .default('http')
    .describe('How control of a web server’s names is proven: http looks there; simulated believes every name, and production refuses it.'),
  TONGREN_TRUST_PROXY: flag.default(false).describe('Believe X-Forwarded-* of the proxy in front.'),
  TONGREN_LOG_LEVEL: z
    .enum(['silent', 'error', 'warn', 'info', 'debug'])
    .optional()
    .describe('How much is logged. Default: info in production, warn otherwise.'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .optional()
    .describe('PostgreSQL to use instead of the one that npm brings.'),
  REDIS_URL: z
    .url({ protocol: /^rediss?$/ })
    .optional()
    .describe('Redis to use instead of the in-process store.'),
});

const SECRETS = [
  'TONGREN_SECRET',
  'TONGREN_SECRET_BEFORE',
  'TONGREN_SIGNER_TOKEN',
  'TONGREN_PKCS11_PIN',
  'TONGREN_SMS_TOKEN',
  'TONGREN_METRICS_TOKEN',
  'DATABASE_URL',
  'REDIS_URL',
] as const;

export interface Config {
  production: boolean;
  demo: boolean;
  port: number;
  host: string;
  /** Public origin without a trailing slash. */
  origin: string;
  dataDir: string;
  roles: readonly Role[];
  demoPorts: readonly number[];
  secret: string;
  /** What the secret was before, while it changes. */
  secretBefore: string | undefined;
  signer: SignerSettings;
  sms: { url: string; token: string | undefined } | undefined;
  registry: { url: string; token: string | undefined } | undefined;
  /** What certificates say of people. */
  personNaming: { name: 'clear' | 'masked'; citizenNumber: 'omitted' | 'hashed' | 'encrypted' };
  /** Parts of revocation lists by area. */
  crlPartitions: Readonly<Record<string, number>>;
  metricsToken: string | undefined;
  outboundAllow: readonly string[];
  domainControl: 'http' | 'simulated';
  trustProxy: boolean;
  tls: boolean;
  logLevel: NonNullable<z.infer<typeof ENVIRONMENT>['TONGREN_LOG_LEVEL']>;
  databaseUrl: string | undefined;
  redisUrl: string | undefined;
}

/** Thrown with every fault found, one sentence each. */
export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.faults = faults;
  }
}

/**
 * Reads the configuration from environment variables.
 * @param options.tls serve https with a certificate of the development CA.
 * @param options.lanAddress address of this machine on the local network, under which phones find it when tls is on.
 * @throws ConfigError naming every fault at once.
 */
export function readConfig(environment: NodeJS.ProcessEnv, options: { tls?: boolean; lanAddress?: string } = {}): Config {
  const faults: string[] = [];
  const values = collect(environment, faults);
  const parsed = ENVIRONMENT.safeParse(values);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const names = issue.code === 'unrecognized_keys' ? issue.keys : [String(issue.path[0] ?? '')];
      for (const name of names)
        faults.push(issue.code === 'unrecognized_keys' ? `${name} is not a setting of Tongren.` : `${name}: ${issue.message}.`);
    }
    throw new ConfigError(faults);
  }
  const env = parsed.data;
  const production = environment['NODE_ENV'] === 'production';
  const tls = options.tls ?? false;
  const developmentSecret = existsSync(DEVELOPMENT_SECRET_FILE) ? readFileSync(DEVELOPMENT_SECRET_FILE, 'utf8').trim() : undefined;
  if (production) faults.push(...productionFaults(env, { tls, developmentSecret }));
  if (!production && !env.TONGREN_SECRET && !developmentSecret)
    faults.push('TONGREN_SECRET is not set and keys/development-secret.txt is missing.');
  const signer = signerSettings(env, faults);
  if (faults.length) throw new ConfigError(faults);
  return {
    production,
    demo: env.TONGREN_DEMO ?? !production,
    port: env.TONGREN_PORT,
    host: env.TONGREN_HOST ?? (tls ? '0.0.0.0' : '127.0.0.1'),
    origin: (env.TONGREN_ORIGIN ?? `${tls ? 'https' : 'http'}://${(tls && options.lanAddress) || 'localhost'}:${env.TONGREN_PORT}`).replace(
      /\/+$/,
      '',
    ),
    dataDir: resolve(env.TONGREN_DATA_DIR),
    roles: env.TONGREN_ROLES,
    demoPorts: env.TONGREN_DEMO_PORTS,
    secret: env.TONGREN_SECRET ?? developmentSecret ?? '',
    secretBefore: env.TONGREN_SECRET_BEFORE,
    signer,
    sms: env.TONGREN_SMS_URL ? { url: env.TONGREN_SMS_URL, token: env.TONGREN_SMS_TOKEN } : undefined,
    registry: env.TONGREN_REGISTRY_URL ? { url: env.TONGREN_REGISTRY_URL, token: env.TONGREN_REGISTRY_TOKEN } : undefined,
    personNaming: { name: env.TONGREN_CERTIFICATE_NAMES, citizenNumber: env.TONGREN_CERTIFICATE_NUMBERS },
    crlPartitions: Object.fromEntries(
      env.TONGREN_CRL_PARTITIONS.map((pair) => pair.split('=')).map(([area, parts]) => [area, Number(parts)]),
    ),
    metricsToken: env.TONGREN_METRICS_TOKEN,
    outboundAllow: env.TONGREN_OUTBOUND_ALLOW,
    domainControl: env.TONGREN_DOMAIN_CONTROL,
    trustProxy: env.TONGREN_TRUST_PROXY,
    tls,
    logLevel: env.TONGREN_LOG_LEVEL ?? (production ? 'info' : 'warn'),
    databaseUrl: env.DATABASE_URL,
    redisUrl: env.REDIS_URL,
  };
}

/** Our names out of the environment, with `…_FILE` read in. */
function collect(environment: NodeJS.ProcessEnv, faults: string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || value === '') continue;
    if (!name.startsWith('TONGREN_') && name !== 'DATABASE_URL' && name !== 'REDIS_URL') continue;
    if (!name.startsWith('TONGREN_TEST_')) values[name] = value;
  }
  for (const name of SECRETS) {
    const file = environment[`${name}_FILE`];
    if (!file) continue;
    delete values[`${name}_FILE`];
    if (values[name]) faults.push(`${name} and ${name}_FILE are both set.`);
    else if (!existsSync(file)) faults.push(`${name}_FILE names a file that is not there.`);
    else values[name] = readFileSync(file, 'utf8').trim();
  }
  return values;
}

/** Production refuses what only suits development; every fault is named. */
function productionFaults(env: z.infer<typeof ENVIRONMENT>, context: { tls: boolean; developmentSecret: string | undefined }): string[] {
  const faults: string[] = [];
  const web = env.TONGREN_ROLES.includes('web');
  const signer = env.TONGREN_ROLES.includes('signer');
  if (!env.TONGREN_SECRET) faults.push('TONGREN_SECRET (or TONGREN_SECRET_FILE) must be set in production.');
  else if (env.TONGREN_SECRET === context.developmentSecret) faults.push('TONGREN_SECRET is the public development secret.');
  if (signer && env.TONGREN_ROLES.length > 1) faults.push('TONGREN_ROLES: in production the signer is a process of its own.');
  if (env.TONGREN_DOMAIN_CONTROL === 'simulated')
    faults.push('TONGREN_DOMAIN_CONTROL: the simulator believes every name and is refused in production.');
  if (context.tls) faults.push('--tls uses the development CA; in production TLS ends at the gateway.');
  if (env.TONGREN_DEMO) faults.push('TONGREN_DEMO: the demo city is refused in production.');
  if (env.TONGREN_ORIGIN?.startsWith('http:')) faults.push('TONGREN_ORIGIN must be https in production.');
  if (env.TONGREN_ROLES.every((role) => role === 'signer')) return faults;
  if (!env.TONGREN_ORIGIN) faults.push('TONGREN_ORIGIN must be set in production.');
  if (!env.DATABASE_URL) faults.push('DATABASE_URL must be set in production; the embedded PostgreSQL is for development.');
  if (!env.REDIS_URL) faults.push('REDIS_URL must be set in production; the in-process store serves one process only.');
  if (web && !env.TONGREN_SMS_URL) faults.push('TONGREN_SMS_URL must be set in production; the SMS gateway would be a simulator.');
  if (web && !env.TONGREN_REGISTRY_URL)
    faults.push('TONGREN_REGISTRY_URL must be set in production; the population register would be a simulator.');
  return faults;
}
