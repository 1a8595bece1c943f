/** A list of twenty thousand entries before OpenSSL, GnuTLS and Java: all read it, and find in it who is revoked and who is not. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findAuthority } from '#certificates/find-authority.ts';
import { findCrl } from '#certificates/find-crl.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { publishCrl } from '#certificates/publish-crls.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { generateKeyPair } from '#crypto/suite.ts';
import { toPem } from '#pki/pem.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { memoryKeyStore } from '../fakes/memory-key-store.ts';
import { testDatabase } from '../test-database.ts';

const ENTRIES = 20_000;
const KEY = 'ca-devices-p256';
const folder = mkdtempSync(join(tmpdir(), 'tongren-large-list-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { db } = await testDatabase();
// Peers judge by the real time.
const clock = { now: () => new Date() };
const deps = { db, clock, keys: guardedKeyStore(memoryKeyStore(), { clock }), publicOrigin: 'http://127.0.0.1:3000' };
const file = (name: string) => join(folder, name);
const run = (program: string, ...args: string[]) => {
  const done = spawnSync(program, args, { encoding: 'utf8', cwd: folder, maxBuffer: 1 << 26 });
  if (done.error) throw done.error;
  return `${done.stdout}${done.stderr}`;
};
const keep = (name: string, label: string, der: Uint8Array) => {
  writeFileSync(file(`${name}.pem`), toPem(label, der));
  writeFileSync(file(`${name}.der`), der);
};
let revokedSerial = '';

beforeAll(async () => {
  await initialiseAuthorities(deps);
  for (const name of ['good', 'revoked']) {
    const { certificate } = await issueCertificate(deps, {
      profile: 'device',
      suite: 'es256',
      subject: { commonName: '自助终端', organisation: '示范市政务服务中心', uscc: '11110000000000000X' },
      spki: generateKeyPair('es256').spki,
      days: 300,
      by: 'system:test',
    });
    keep(name, 'CERTIFICATE', certificate.der);
    if (name === 'revoked') {
      revokedSerial = certificate.serialHex;
      await revokeCertificate(deps, { serialHex: revokedSerial, reason: 'key-compromise', by: 'system:test', publish: false });
    }
  }
  await db.$executeRaw`
    INSERT INTO issued_certificate (id, serial_hex, issuer_key, profile, suite, subject, not_before, not_after, tbs, issued_at, issued_by,
      revoked_at, revocation_reason, invalidity_date)
    SELECT gen_random_uuid(), '4d' || lpad(to_hex((n::bigint * 2654435761) % 4294967291), 30, '0'), ${KEY}, 'device', 'es256', '', now(), now(),
      '\\x30'::bytea, now(), 'system:test', date_trunc('second', now() - n * interval '1 minute'),
      CASE n % 3 WHEN 0 THEN 'unspecified' WHEN 1 THEN 'superseded' ELSE 'cessation-of-operation' END,
      CASE WHEN n % 50 = 0 THEN date_trunc('second', now() - n * interval '2 minutes') END
    FROM generate_series(1, ${ENTRIES - 1}::int) AS n`;
  await publishCrl(deps, KEY);
  for (const [name, key] of [
    ['root', 'ca-root-p256'],
    ['issuing', KEY],
  ] as const) {
    keep(name, 'CERTIFICATE', (await findAuthority(deps, key))?.der ?? new Uint8Array());
    keep(`${name}-list`, 'X509 CRL', (await findCrl(deps, key))?.der ?? new Uint8Array());
  }
}, 120_000);

test('OpenSSL reads every entry, verifies the signature, and judges by it', () => {
  const text = run('openssl', 'crl', '-in', 'issuing-list.pem', '-noout', '-text', '-CAfile', 'issuing.pem');
  expect(text).toContain('verify OK');
  expect(text.match(/Serial Number: /g)).toHaveLength(ENTRIES);
  expect(text.match(/Superseded/g)?.length).toBeGreaterThan(ENTRIES / 4);
  expect(text.match(/Invalidity Date/g)?.length).toBe(Math.floor((ENTRIES - 1) / 50));
  const entry = text.slice(text.indexOf(`Serial Number: ${revokedSerial.toUpperCase()}`)).split('Serial Number: ')[1];
  expect(entry).toContain('Key Compromise');
  const lists = ['-CRLfile', 'root-list.pem', '-CRLfile', 'issuing-list.pem', '-crl_check_all', '-x509_strict'];
  const verify = (leaf: string) => run('openssl', 'verify', '-CAfile', 'root.pem', '-untrusted', 'issuing.pem', ...lists, leaf);
  expect(verify('good.pem')).toBe('good.pem: OK\n');
  expect(verify('revoked.pem')).toContain('certificate revoked');
});

// To print a list takes it the square of the entries; to judge by one does not.
test('GnuTLS verifies the list and judges by it', { timeout: 240_000 }, () => {
  expect(run('certtool', '--verify-crl', '--load-ca-certificate', 'issuing.pem', '--infile', 'issuing-list.pem')).toContain('Verified');
  const verify = (leaf: string) => {
    run('sh', '-c', `cat ${leaf}.pem issuing.pem > ${leaf}-chain.pem`);
    const more = ['--load-ca-certificate', 'root.pem', '--load-crl', 'issuing-list.pem'];
    return run('certtool', '--verify', ...more, '--infile', `${leaf}-chain.pem`);
  };
  expect(verify('good')).toContain('Chain verification output: Verified. The certificate is trusted.');
  expect(verify('revoked')).toMatch(/Not verified[\s\S]*revoked/i);
});

test('Java reads every entry, verifies the signature, and judges by it', { timeout: 120_000 }, () => {
  const program = join(import.meta.dirname, 'certpath/JudgeByList.java');
  const lists = 'root-list.der,issuing-list.der';
  const answers = run('java', program, 'root.der', 'issuing.der', lists, 'good.der', 'revoked.der').trim().split('\n');
  expect(answers.slice(0, 3)).toEqual(['0 signed', `${ENTRIES} signed`, 'valid']);
  expect(answers[3]).toMatch(/^REVOKED .*KEY_COMPROMISE/);
  // Without the list nothing is known, and that is not good.
  const without = run('java', program, 'root.der', 'issuing.der', 'root-list.der', 'good.der').trim().split('\n');
  expect(without[1]).toMatch(/^UNDETERMINED_REVOCATION_STATUS/);
});
