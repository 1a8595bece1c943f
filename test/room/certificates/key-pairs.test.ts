/** Pairs of certificates, what is kept of the second key, who gets it back, and keys that we make for others. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { issueWithKeyFile } from '#certificates/export-pkcs12.ts';
import { recoverKey } from '#certificates/hand-over-key.ts';
import { issueCertificate, issueCertificates } from '#certificates/issue-certificate.ts';
import { archivePlace, issuePair } from '#certificates/issue-pair.ts';
import { IDENTIFY_CODE_PLACE, personSubject } from '#certificates/name-person.ts';
import { decideKeyRecovery, requestKeyRecovery } from '#certificates/recover-key.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { openEnvelope } from '#crypto/enveloped-data.ts';
import { OID } from '#crypto/oids.ts';
import { scalarOfPkcs8 } from '#crypto/sm2-encryption.ts';
import { openSm2EnvelopedKey } from '#crypto/sm2-enveloped-key.ts';
import { digest as digestBytes, generateKeyPair } from '#crypto/suite.ts';
import { parseHolderText, parseMandate } from '#pki/holder-extensions.ts';
import { attributeOf } from '#pki/name.ts';
import { MANDATE_EXTENSION } from '#pki/profiles.ts';
import { validatePath } from '#pki/validate-path.ts';
import { runOpenSsl } from '../../fakes/run-openssl.ts';
import { enrolmentWorld, problemOf } from './enrolment-world.ts';

const world = await enrolmentWorld();
const { db, deps, clock } = world;
const USCC = '91350100M000100Y43';
const company = { commonName: '示范茶业有限公司', organisation: '示范茶业有限公司', uscc: USCC };
const digestOf = (spki: Uint8Array) => digestBytes('sha256', spki);
const operator = () => world.staff(world.city.id, 'operator');
const [first, second, third] = await Promise.all([operator(), operator(), operator()]);
const clerk = await world.staff(world.city.id, 'counter', 'approver');

async function pairFor(suite: 'sm2-sm3' | 'es256', change: object = {}) {
  const key = generateKeyPair(suite);
  const input = { profile: 'organisation', suite, subject: company, spki: key.spki, days: 365, by: 'system:test', ...change } as const;
  return { key, ...(await issuePair(deps, input)) };
}

test('a pair in SM2: two certificates of one name, and the envelope holds the key of the second', async () => {
  const { key, signing, encryption, envelope } = await pairFor('sm2-sm3');
  expect(envelope.form).toBe('sm2-enveloped-key');
  const { point } = openSm2EnvelopedKey(scalarOfPkcs8(key.pkcs8), envelope.bytes);
  expect(Buffer.from(point).equals(Buffer.from(encryption.certificate.spki.subarray(26)))).toBe(true);
  expect([...(signing.certificate.keyUsage ?? [])]).toEqual(['digital-signature', 'non-repudiation']);
  expect([...(encryption.certificate.keyUsage ?? [])]).toEqual(['key-encipherment', 'data-encipherment', 'key-agreement']);
  expect(encryption.certificate.subject.der).toEqual(signing.certificate.subject.der);
  const [, issuing, root] = encryption.chain;
  if (!issuing || !root) throw new Error('no chain');
  expect(validatePath({ leaf: encryption.certificate, intermediates: [issuing], anchors: [root], at: clock.now() }).valid).toBe(true);
});

test('a pair in P-256: the key agrees on keys only, and OpenSSL opens the envelope', async () => {
  const { key, encryption, envelope } = await pairFor('es256');
  expect([...(encryption.certificate.keyUsage ?? [])]).toEqual(['key-agreement']);
  const pem = createPrivateKey({ key: Buffer.from(key.pkcs8), format: 'der', type: 'pkcs8' }).export({ type: 'pkcs8', format: 'pem' });
  const { stdout } = runOpenSsl(['cms', '-decrypt', '-inform', 'DER', '-binary', '-in', '@cms', '-inkey', '@key'], {
    cms: envelope.bytes,
    key: Buffer.from(pem),
  });
  const handed = createPrivateKey({ key: stdout, format: 'der', type: 'pkcs8' });
  expect(new X509Certificate(encryption.certificate.der).checkPrivateKey(handed)).toBe(true);
});

test('of the encryption key only the sealed form is kept, bound to its certificate', async () => {
  const { key, encryption, signing, envelope } = await pairFor('es256');
  const row = await db.archivedKey.findUniqueOrThrow({ where: { serialHex: encryption.certificate.serialHex } });
  const pkcs8 = openEnvelope(key.pkcs8, envelope.bytes);
  expect(row.signingSerial).toBe(signing.certificate.serialHex);
  expect(Buffer.from(row.sealedKey).includes(Buffer.from(scalarOfPkcs8(pkcs8)))).toBe(false);
  expect(() => deps.fields.open(archivePlace('00'), row.sealedKey)).toThrow();
  const events = await db.auditEvent.findMany({ where: { subject: `certificate:${row.serialHex}` } });
  expect(events.map(({ kind }) => kind).sort()).toEqual(['certificate-issued', 'key-archived']);
  expect(JSON.stringify(events)).not.toContain(Buffer.from(row.sealedKey).toString('base64').slice(10, 40));
});

test('a pair comes whole or not at all, and only for profiles that have a twin', async () => {
  const before = await db.issuedCertificate.count();
  const within = async () => Promise.reject(new Error('no'));
  await expect(pairFor('es256', { within })).rejects.toThrow('no');
  expect(await problemOf(pairFor('es256', { profile: 'seal' }))).toBe('invalid-input');
  expect(await db.issuedCertificate.count()).toBe(before);
});

test('two operators get a key back, in an envelope for the new key, once', async () => {
  const { encryption } = await pairFor('sm2-sm3');
  const fresh = generateKeyPair('sm2-sm3');
  const asked = { serialHex: encryption.certificate.serialHex, recipientSpki: fresh.spki, reason: '持有人介质损坏，申请恢复', by: first };
  const { id, digest } = await requestKeyRecovery(deps, asked);
  expect(await problemOf(requestKeyRecovery(deps, asked))).toBe('approval-pending');
  expect(await problemOf(recoverKey(deps, { id, by: first }))).toBe('approval-not-approved');
  const decide = (by: typeof first, seen = digest) => problemOf(decideKeyRecovery(deps, { id, by, decision: 'approve', digest: seen }));
  expect(await decide(first)).toBe('same-person');
  expect(await decide(clerk)).toBe('not-allowed');
  expect(await decide(second, '00'.repeat(32))).toBe('approval-changed');
  expect(await decide(second)).toBe('ok');
  const approval = await db.approval.findUniqueOrThrow({ where: { id } });
  const thief = { ...(approval.payload as object), recipientSpki: Buffer.from(generateKeyPair('sm2-sm3').spki).toString('base64') };
  await expect(db.approval.update({ where: { id }, data: { payload: thief } })).rejects.toThrow('cannot be changed');
  expect(await problemOf(recoverKey(deps, { id, by: clerk }))).toBe('not-allowed');
  const envelope = await recoverKey(deps, { id, by: third });
  const { point } = openSm2EnvelopedKey(scalarOfPkcs8(fresh.pkcs8), envelope.bytes);
  expect(Buffer.from(point).equals(Buffer.from(encryption.certificate.spki.subarray(26)))).toBe(true);
  expect(await problemOf(recoverKey(deps, { id, by: first }))).toBe('approval-not-approved');
  const event = await db.auditEvent.findFirstOrThrow({ where: { kind: 'key-recovered', subject: `certificate:${asked.serialHex}` } });
  expect(event.detail).toMatchObject({ requestedBy: first.personId, decidedBy: second.personId, approval: id, grounds: 'holder' });
  expect((await db.archivedKey.findUniqueOrThrow({ where: { serialHex: asked.serialHex } })).recoveries).toBe(1);
});

test('recovery is refused without the role, without an archive, without a reason, and to a key of the other suite', async () => {
  const { encryption, signing } = await pairFor('es256');
  const asked = {
    serialHex: encryption.certificate.serialHex,
    recipientSpki: generateKeyPair('es256').spki,
    reason: 'The holder lost the token.',
    by: first,
  };
  expect(await problemOf(requestKeyRecovery(deps, { ...asked, by: clerk }))).toBe('not-allowed');
  expect(await problemOf(requestKeyRecovery(deps, { ...asked, serialHex: signing.certificate.serialHex }))).toBe(
    'certificate-key-not-archived',
  );
  expect(await problemOf(requestKeyRecovery(deps, { ...asked, reason: 'because' }))).toBe('invalid-input');
  expect(await problemOf(requestKeyRecovery(deps, { ...asked, recipientSpki: generateKeyPair('sm2-sm3').spki }))).toBe('invalid-input');
  // Nobody enrolled for this one, so no holder has a page to take it at; and an order names its receiver and its number.
  const { recipientSpki: _none, ...toHolder } = asked;
  expect(await problemOf(requestKeyRecovery(deps, toHolder))).toBe('invalid-input');
  expect(await problemOf(requestKeyRecovery(deps, { ...asked, grounds: 'court' }))).toBe('invalid-input');
  expect(await problemOf(requestKeyRecovery(deps, { ...toHolder, grounds: 'court', order: '(2026)示01刑初1号' }))).toBe('invalid-input');
});

const device = {
  profile: 'service-client',
  suite: 'es256',
  subject: { ...company, commonName: 'gateway-1' },
  days: 100,
  by: 'system:test',
  password: 'Correct-horse-9',
} as const;

test('a key file is made for a profile that allows it, and its key is nowhere else', async () => {
  const { certificate, pfx } = await issueWithKeyFile(deps, device);
  const run = runOpenSsl(['pkcs12', '-in', '@p12', '-passin', `pass:${device.password}`, '-nodes'], { p12: pfx });
  expect(new X509Certificate(certificate.der).checkPrivateKey(createPrivateKey(run.stdout.toString()))).toBe(true);
  expect(run.stdout.toString().match(/BEGIN CERTIFICATE/g)?.length).toBe(3);
  expect(await db.archivedKey.count({ where: { serialHex: certificate.serialHex } })).toBe(0);
});

test.each([
  ['a person’s key', { profile: 'person' }, 'certificate-key-not-made-here'],
  ['an organisation’s signing key', { profile: 'organisation' }, 'certificate-key-not-made-here'],
  ['an SM2 key', { suite: 'sm2-sm3' }, 'pfx-suite-not-offered'],
  ['a short password', { password: 'Short-9' }, 'pfx-password-too-weak'],
  ['a password of one kind of characters', { password: 'onlysmallletters' }, 'pfx-password-too-weak'],
  ['a password beyond ASCII', { password: '口令-Correct-horse-9' }, 'pfx-password-too-weak'],
] as const)('no key file for %s', async (_what, change, code) => {
  const before = await db.issuedCertificate.count();
  expect(await problemOf(issueWithKeyFile(deps, { ...device, ...change }))).toBe(code);
  expect(await db.issuedCertificate.count()).toBe(before);
});

test('an agent’s certificate names the mandate and ends with it', async () => {
  const validUntil = new Date(clock.now().getTime() + 40 * 86_400_000);
  const base = { profile: 'agent', suite: 'es256', subject: { ...company, commonName: '张三' }, days: 300, by: 'system:test' } as const;
  const { certificate } = await issueCertificate(deps, {
    ...base,
    spki: generateKeyPair('es256').spki,
    mandate: { reference: 'SQ-2026-17', validUntil },
  });
  expect(certificate.notAfter).toEqual(validUntil);
  expect(parseMandate(certificate.extensions.get(MANDATE_EXTENSION)?.value ?? new Uint8Array()).reference).toBe('SQ-2026-17');
  expect(await problemOf(issueCertificate(deps, { ...base, spki: generateKeyPair('es256').spki }))).toBe('certificate-refused');
});

test('a representative is named with the organisation, the citizen number hashed, encrypted or left out', async () => {
  const citizenNumber = '11010519491231002x';
  const codeOf = async (how: 'hashed' | 'encrypted' | 'omitted', name: 'clear' | 'masked' = 'clear') => {
    const subject = { ...company, ...personSubject(deps, { name: '欧阳小红', citizenNumber }, { citizenNumber: how, name }) };
    const { certificate } = await issueCertificate(deps, {
      ...{ profile: 'legal-representative', suite: 'es256', subject, days: 100, by: 'system:test' },
      spki: generateKeyPair('es256').spki,
    });
    expect(Buffer.from(certificate.der).includes('110105')).toBe(false);
    const value = certificate.extensions.get(OID.gmIdentifyCode)?.value;
    return { code: value && parseHolderText(OID.gmIdentifyCode, value), name: attributeOf(certificate.subject, OID.commonName) };
  };
  expect((await codeOf('hashed')).code).toBe((await codeOf('hashed')).code);
  const { code } = await codeOf('encrypted');
  expect(deps.fields.openText(IDENTIFY_CODE_PLACE, Buffer.from(code?.slice(3) ?? '', 'base64'))).toBe('11010519491231002X');
  expect(await codeOf('omitted', 'masked')).toEqual({ code: undefined, name: '欧***' });
});

test('a key that was compromised, and a key of another kind of certificate, get none', async () => {
  const { spki } = generateKeyPair('es256');
  const base = { suite: 'es256', subject: company, spki, days: 100, by: 'system:test' } as const;
  const { certificate } = await issueCertificate(deps, { ...base, profile: 'organisation' });
  await issueCertificate(deps, { ...base, profile: 'organisation' });
  expect(await problemOf(issueCertificate(deps, { ...base, profile: 'document-signer' }))).toBe('certificate-key-of-other-kind');
  await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'key-compromise', by: 'system:test' });
  expect(await problemOf(issueCertificate(deps, { ...base, profile: 'organisation' }))).toBe('certificate-key-compromised');
});

test('of two who ask for certificates of different kinds for one key in the same moment, one is refused', async () => {
  for (const [index, within] of [undefined, async () => undefined].entries()) {
    const { spki } = generateKeyPair('es256');
    const base = { suite: 'es256', subject: company, spki, days: 100, by: 'system:test', ...(within ? { within } : {}) } as const;
    const issue = (from: typeof deps, profile: 'organisation' | 'document-signer') =>
      problemOf(issueCertificates(from, [{ ...base, profile }]));
    // Another process has another connection and sees nothing of what is not committed yet.
    const outcomes = await Promise.all([issue(deps, 'organisation'), issue({ ...deps }, 'document-signer')]);
    expect(outcomes.sort(), `way ${index}`).toEqual(['certificate-key-of-other-kind', 'ok']);
    const rows = await db.issuedCertificate.findMany({ where: { keyDigest: Uint8Array.from(digestOf(spki)) } });
    expect(rows).toHaveLength(1);
  }
});

test('the database itself refuses a key under a second profile, also where no process looked before', async () => {
  const { certificate } = await issueCertificate(deps, {
    ...{ profile: 'organisation', suite: 'es256', subject: company, days: 100, by: 'system:test' },
    spki: generateKeyPair('es256').spki,
  });
  const { id: _id, ...row } = await db.issuedCertificate.findUniqueOrThrow({ where: { serialHex: certificate.serialHex } });
  const copy = (change: object) => db.issuedCertificate.createMany({ data: [{ ...row, der: null, ...change }] });
  await expect(copy({ serialHex: 'aa01', profile: 'seal' })).rejects.toThrow('certified under another profile');
  expect(await copy({ serialHex: 'aa02' })).toEqual({ count: 1 });
});

test('many are issued at once in their order; one that is refused leaves none', async () => {
  const inputs = Array.from({ length: 40 }, (_item, index) => ({
    ...({ profile: 'organisation', suite: 'es256', days: 100, by: 'system:test' } as const),
    subject: { ...company, commonName: `示范茶业 ${index}` },
    spki: generateKeyPair('es256').spki,
  }));
  const issued = await issueCertificates(deps, inputs);
  expect(issued.map(({ certificate }) => attributeOf(certificate.subject, OID.commonName))).toEqual(
    inputs.map(({ subject }) => subject.commonName),
  );
  const before = await db.issuedCertificate.count();
  const faulty = { ...company, commonName: 'x'.repeat(65) };
  expect(await problemOf(issueCertificates(deps, [...inputs.slice(0, 3), { ...inputs[0], subject: faulty } as never]))).toBe(
    'certificate-refused',
  );
  expect(await db.issuedCertificate.count()).toBe(before);
});

test('requests at the same time each get their own certificate or their own refusal', async () => {
  const ask = (commonName: string) =>
    issueCertificate(deps, {
      ...{ profile: 'organisation', suite: 'es256', days: 100, by: 'system:test' },
      subject: { ...company, commonName },
      spki: generateKeyPair('es256').spki,
    });
  const names = Array.from({ length: 12 }, (_item, index) => (index === 5 ? 'x'.repeat(65) : `第${index}号`));
  const settled = await Promise.allSettled(names.map(ask));
  const found = settled.map((one) =>
    one.status === 'fulfilled' ? attributeOf(one.value.certificate.subject, OID.commonName) : (one.reason as { code: string }).code,
  );
  expect(found).toEqual(names.map((name, index) => (index === 5 ? 'certificate-refused' : name)));
});
