import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ConfigError, readConfig } from '#config.ts';

function faultsOf(environment: NodeJS.ProcessEnv, options?: { tls?: boolean }): readonly string[] {
  try {
    readConfig(environment, options);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test('an empty environment is a development start with the demo', () => {
  const config = readConfig({});
  expect(config).toMatchObject({
    production: false,
    demo: true,
    port: 3000,
    origin: 'http://localhost:3000',
    roles: ['web', 'worker', 'signer'],
  });
});

test('revocation lists go into parts by area, and into none by default', () => {
  expect(readConfig({}).crlPartitions).toEqual({});
  expect(readConfig({ TONGREN_CRL_PARTITIONS: 'persons=16, devices=256' }).crlPartitions).toEqual({ persons: 16, devices: 256 });
});

test('an unknown TONGREN_ name is refused by name', () => {
  expect(faultsOf({ TONGREN_PROT: '3000' })).toEqual(['TONGREN_PROT is not a setting of Tongren.']);
});

test.each([
  ['TONGREN_PORT', 'eighty'],
  ['TONGREN_PORT', '70000'],
  ['TONGREN_ORIGIN', 'ftp://id.example'],
  ['TONGREN_ROLES', 'web,baker'],
  ['TONGREN_SECRET', 'short'],
  ['DATABASE_URL', 'mysql://localhost/x'],
  ['TONGREN_DEMO', 'perhaps'],
  ['TONGREN_CRL_PARTITIONS', 'root=4'],
  ['TONGREN_CRL_PARTITIONS', 'persons=1'],
  ['TONGREN_CRL_PARTITIONS', 'persons=257'],
  ['TONGREN_CRL_PARTITIONS', 'persons:4'],
  ['TONGREN_CRL_PARTITIONS', 'persons=4,persons=5'],
])('%s=%s is refused with one sentence', (name, value) => {
  const faults = faultsOf({ [name]: value });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatch(new RegExp(`^${name}: `));
});

test('production names every fault at once', () => {
  const faults = faultsOf({ NODE_ENV: 'production', TONGREN_DEMO: 'true', TONGREN_ORIGIN: 'http://id.example' }, { tls: true }).join('\n');
  for (const name of [
    'TONGREN_SECRET',
    'TONGREN_ORIGIN must be https',
    '--tls',
    'TONGREN_DEMO',
    'DATABASE_URL',
    'REDIS_URL',
    'TONGREN_SMS_URL',
    'TONGREN_REGISTRY_URL',
    'TONGREN_ROLES',
  ]) {
    expect(faults).toContain(name);
  }
});

test('production refuses the public development secret', () => {
  const development = readConfig({}).secret;
  expect(faultsOf({ NODE_ENV: 'production', TONGREN_SECRET: development }).join('\n')).toContain('public development secret');
});

test('a complete production environment is accepted', () => {
  const config = readConfig({
    NODE_ENV: 'production',
    TONGREN_ROLES: 'web',
    TONGREN_SECRET: 'a'.repeat(40),
    TONGREN_ORIGIN: 'https://id.example.gov.cn/',
    TONGREN_SIGNER_SOCKET: '/run/tongren/signer.sock',
    TONGREN_SIGNER_TOKEN: 'b'.repeat(40),
    TONGREN_SMS_URL: 'https://sms.example.gov.cn/send',
    TONGREN_REGISTRY_URL: 'https://population.example.gov.cn/match',
    DATABASE_URL: 'postgresql://db/tongren',
    REDIS_URL: 'redis://cache',
  });
  expect(config).toMatchObject({ production: true, demo: false, origin: 'https://id.example.gov.cn' });
});

test('a web process without the signer must be told where the signer is', () => {
  expect(faultsOf({ TONGREN_ROLES: 'web' }).join()).toContain('TONGREN_SIGNER_SOCKET');
});

const WEB = { TONGREN_ROLES: 'web' };
const FILE = fileURLToPath(import.meta.url);

test.each<[string, NodeJS.ProcessEnv, string]>([
  [
    'both ways to the signer',
    { ...WEB, TONGREN_SIGNER_SOCKET: '/s', TONGREN_SIGNER_TOKEN: 'b'.repeat(40), TONGREN_SIGNER_URL: 'https://s' },
    'both set',
  ],
  ['a socket without a token', { ...WEB, TONGREN_SIGNER_SOCKET: '/s' }, 'TONGREN_SIGNER_TOKEN must be set'],
  [
    'an address without certificates',
    { ...WEB, TONGREN_SIGNER_URL: 'https://s:7000' },
    'TONGREN_SIGNER_CERT, TONGREN_SIGNER_KEY and TONGREN_SIGNER_CA',
  ],
  ['an address that is not https', { ...WEB, TONGREN_SIGNER_URL: 'http://s:7000' }, 'TONGREN_SIGNER_URL'],
  ['a port without a host', { TONGREN_ROLES: 'signer', TONGREN_SIGNER_LISTEN: '7000' }, 'expected host:port'],
  ['a certificate that is not there', { TONGREN_ROLES: 'signer', TONGREN_SIGNER_CERT: '/nowhere' }, 'TONGREN_SIGNER_CERT names a file'],
  ['a policy that is not there', { TONGREN_ROLES: 'signer', TONGREN_SIGNER_POLICY: '/nowhere' }, 'TONGREN_SIGNER_POLICY names a file'],
  ['a caller without a file', { TONGREN_ROLES: 'signer', TONGREN_SIGNER_TOKENS: 'web' }, 'expected caller=file'],
  [
    'a caller whose token file is not there',
    { TONGREN_ROLES: 'signer', TONGREN_SIGNER_TOKENS: 'web=/nowhere' },
    'for web that is not there',
  ],
  [
    'a token without its PIN',
    { TONGREN_KEY_STORE: 'pkcs11', TONGREN_PKCS11_MODULE: '/m.so', TONGREN_PKCS11_TOKEN: 't' },
    'TONGREN_PKCS11_PIN',
  ],
])('%s is refused', (_what, environment, words) => {
  expect(faultsOf(environment).join('\n')).toContain(words);
});

test('a caller over the network and a signer with a token of its own are read', () => {
  const tls = { TONGREN_SIGNER_CERT: FILE, TONGREN_SIGNER_KEY: FILE, TONGREN_SIGNER_CA: FILE };
  expect(readConfig({ ...WEB, ...tls, TONGREN_SIGNER_URL: 'https://signer.internal:7443' }).signer).toMatchObject({
    url: 'https://signer.internal:7443',
    tlsFiles: { certificate: FILE },
  });
  const signer = { TONGREN_ROLES: 'signer', TONGREN_KEY_STORE: 'pkcs11', TONGREN_PKCS11_MODULE: '/m.so', TONGREN_PKCS11_TOKEN: 't' };
  expect(readConfig({ ...signer, ...tls, TONGREN_PKCS11_PIN: '1234', TONGREN_SIGNER_LISTEN: '[::1]:7443' }).signer).toMatchObject({
    keys: { store: 'pkcs11', modulePath: '/m.so', token: 't', pin: '1234' },
    listen: { host: '::1', port: 7443 },
  });
});
