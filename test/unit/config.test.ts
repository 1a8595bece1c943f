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
