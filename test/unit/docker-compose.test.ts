import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ENVIRONMENT } from '#config.ts';

interface Service {
  profiles?: string[];
  environment?: Record<string, string>;
  secrets?: string[];
  volumes?: string[];
  networks?: string[];
  depends_on?: Record<string, unknown>;
}
interface Compose {
  services: Record<string, Service>;
  networks: Record<string, unknown>;
  volumes: Record<string, unknown>;
  secrets: Record<string, unknown>;
}

const compose = parse(readFileSync(fileURLToPath(new URL('../../docker-compose.yml', import.meta.url)), 'utf8'), {
  merge: true,
}) as Compose;
const ours = ['web', 'worker', 'signer'];
const settings = new Set(Object.keys(ENVIRONMENT.shape));

test('the file names PostgreSQL, Redis, our three roles, and the operator’s command line, which no start brings up', () => {
  expect(Object.keys(compose.services).sort()).toEqual(['operator', 'postgres', 'redis', 'signer', 'web', 'worker']);
  expect(Object.entries(compose.services).flatMap(([name, { profiles }]) => (profiles ? [name] : []))).toEqual(['operator']);
});

test.each(ours)('every setting of %s is one that Tongren knows', (name) => {
  const environment = compose.services[name]?.environment ?? {};
  for (const key of Object.keys(environment).filter((key) => key !== 'NODE_ENV')) {
    expect(settings, key).toContain(key.replace(/_FILE$/, ''));
  }
  expect(environment['TONGREN_ROLES']).toBe(name);
});

test.each(Object.keys(compose.services))('%s refers only to networks, volumes, secrets and services that are there', (name) => {
  const service = compose.services[name] ?? {};
  for (const network of service.networks ?? []) expect(compose.networks).toHaveProperty(network);
  for (const secret of service.secrets ?? []) expect(compose.secrets).toHaveProperty(secret);
  for (const volume of service.volumes ?? []) expect(compose.volumes).toHaveProperty(volume.split(':')[0] ?? '');
  for (const other of Object.keys(service.depends_on ?? {})) expect(compose.services).toHaveProperty(other);
  for (const [key, value] of Object.entries(service.environment ?? {})) {
    if (key.endsWith('_FILE')) expect(service.secrets, key).toContain(value.replace('/run/secrets/', ''));
  }
});

test('only the signer sees the folder of the keys', () => {
  const seers = Object.entries(compose.services).filter(([, service]) => service.volumes?.some((volume) => volume.startsWith('keys:')));
  expect(seers.map(([name]) => name)).toEqual(['signer']);
});

test('the secret that opens the keys is the signer’s alone, and each caller has a token of its own', () => {
  const knowers = (secret: string) =>
    Object.entries(compose.services)
      .filter(([, service]) => service.secrets?.includes(secret))
      .map(([name]) => name)
      .sort();
  expect(compose.services['signer']?.environment?.['TONGREN_SECRET_FILE']).toBe('/run/secrets/signer_secret');
  expect(knowers('signer_secret')).toEqual(['signer']);
  expect(knowers('tongren_secret')).toEqual(['operator', 'web', 'worker']);
  expect(knowers('signer_token_web')).toEqual(['signer', 'web']);
  expect(knowers('signer_token_worker')).toEqual(['signer', 'worker']);
  const tokens = compose.services['signer']?.environment?.['TONGREN_SIGNER_TOKENS'];
  expect(knowers('signer_token_operator')).toEqual(['operator', 'signer']);
  const files = ['web', 'worker', 'operator'].map((caller) => `${caller}=/run/secrets/signer_token_${caller}`);
  expect(tokens).toBe(files.join(','));
});
