/** The holder's encryption certificate: taken once, recovered by two operators and taken again by its holder alone, ended with its twin. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { takeRecoveredKey } from '#certificates/hand-over-key.ts';
import { decideKeyRecovery, requestKeyRecovery } from '#certificates/recover-key.ts';
import { requestOrganisationCertificate } from '#certificates/request-organisation-certificate.ts';
import { requestPersonCertificate } from '#certificates/request-person-certificate.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { revokeHeldCertificate } from '#certificates/revoke-held-certificate.ts';
import { findEncryptionTwin, takeEncryptionCertificate } from '#certificates/take-encryption-certificate.ts';
import { scalarOfPkcs8 } from '#crypto/sm2-encryption.ts';
import { openSm2EnvelopedKey } from '#crypto/sm2-enveloped-key.ts';
import { generateKeyPair, importPrivateKey } from '#crypto/suite.ts';
import { profileOf } from '#pki/profiles.ts';
import { makeCsr } from '../../fakes/make-csr.ts';
import { runOpenSsl } from '../../fakes/run-openssl.ts';
import { enrolmentWorld, problemOf } from './enrolment-world.ts';

const world = await enrolmentWorld();
const { db, deps } = world;
const [first, second] = await Promise.all([world.staff(world.city.id, 'operator'), world.staff(world.city.id, 'operator')]);
const PASSWORD = 'Correct-horse-9';

async function citizen() {
  const { id: personId } = await world.person();
  const by = { personId, session: world.session() };
  const { certificate } = await requestPersonCertificate(deps, { ...by, csr: makeCsr().pem, requestId: world.requestId() });
  return { personId, by, certificate, serialHex: certificate.serialHex };
}

function keyIn(pfx: Uint8Array, password = PASSWORD) {
  const { stdout } = runOpenSsl(['pkcs12', '-in', '@p12', '-passin', `pass:${password}`, '-nodes'], { p12: pfx });
  return createPrivateKey(stdout.toString());
}

async function recovered(serialHex: string) {
  const { id, digest } = await requestKeyRecovery(deps, { serialHex, reason: '持有人更换电脑，密钥文件丢失', by: first });
  await decideKeyRecovery(deps, { id, by: second, decision: 'approve', digest });
  return id;
}

test('a person takes theirs as a key file, once: the same name, the key of the certificate, a notice, no second', async () => {
  const { by, certificate, serialHex, personId } = await citizen();
  const take = () => takeEncryptionCertificate(deps, { serialHex, by, handover: { as: 'pkcs12', password: PASSWORD } });
  const [one, other] = await Promise.allSettled([take(), take()]);
  const done = [one, other].flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  expect(done).toHaveLength(1);
  expect([one, other].flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))).toEqual(['encryption-certificate-taken']);
  const [taken] = done;
  if (!taken?.pfx) throw new Error('no key file');
  expect(profileOf(taken.certificate)).toBe('person-encryption');
  expect(taken.certificate.subject.der).toEqual(certificate.subject.der);
  expect(taken.certificate.notAfter <= certificate.notAfter).toBe(true);
  expect(new X509Certificate(taken.certificate.der).checkPrivateKey(keyIn(taken.pfx))).toBe(true);
  expect(await findEncryptionTwin(deps, serialHex)).toMatchObject({
    serialHex: taken.certificate.serialHex,
    revoked: false,
    recoveries: 0,
  });
  const notices = await db.certificateNotice.findMany({ where: { personId } });
  expect(notices.map(({ kind }) => kind).sort()).toEqual(['encryption-issued', 'issued']);
  const events = await db.auditEvent.findMany({ where: { subject: `certificate:${taken.certificate.serialHex}` } });
  expect(JSON.stringify(events)).not.toContain(PASSWORD);
});

test('it is refused to others, with a weak password, after an old sign-in, and for a revoked certificate', async () => {
  const { by, serialHex, personId } = await citizen();
  const stranger = (await citizen()).by;
  const take = (change: object, password = PASSWORD) =>
    problemOf(takeEncryptionCertificate(deps, { serialHex, by, handover: { as: 'pkcs12', password }, ...change }));
  expect(await take({ by: stranger })).toBe('certificate-not-found');
  expect(await take({}, 'short')).toBe('pfx-password-too-weak');
  const old = new Date(world.clock.now().getTime() - 3_600_000);
  expect(await take({ by: { personId, session: { acrLevel: 3, authTime: old } } })).toBe('fresh-sign-in-needed');
  await revokeHeldCertificate(deps, { serialHex, reason: 'superseded', by: { personId } });
  expect(await take({})).toBe('certificate-not-usable');
  expect(await findEncryptionTwin(deps, serialHex)).toBeUndefined();
});

test('an organisation takes an SM2 one in an envelope that its signing key opens', async () => {
  const keeper = await world.staff(world.tea.id, 'seal-admin');
  const by = { personId: keeper.personId, organisationId: world.tea.id };
  const key = importPrivateKey(generateKeyPair('sm2-sm3').pkcs8);
  const pair = generateKeyPair('sm2-sm3');
  const own = importPrivateKey(pair.pkcs8);
  const asked = await requestOrganisationCertificate(deps, { by, csr: makeCsr({ key: own }).pem, requestId: world.requestId() });
  const { serialHex = '' } = await decideCertificateRequest(deps, { id: asked.id, by: first, decision: 'approve' });
  const pkcs12 = takeEncryptionCertificate(deps, { serialHex, by, handover: { as: 'pkcs12', password: PASSWORD } });
  expect(await problemOf(pkcs12)).toBe('pfx-suite-not-offered');
  const { certificate, envelope } = await takeEncryptionCertificate(deps, { serialHex, by, handover: { as: 'envelope' } });
  const { point } = openSm2EnvelopedKey(scalarOfPkcs8(pair.pkcs8), envelope?.bytes ?? new Uint8Array());
  expect(Buffer.from(point).equals(Buffer.from(certificate.spki.subarray(26)))).toBe(true);
  expect(certificate.subject.der.length).toBeGreaterThan(0);
  // An SM2 key is recovered into an envelope only.
  const toHolder = { serialHex: certificate.serialHex, reason: '密码机故障，申请恢复密钥', by: first };
  expect(await problemOf(requestKeyRecovery(deps, toHolder))).toBe('invalid-input');
  expect((await requestKeyRecovery(deps, { ...toHolder, recipientSpki: key.publicKey.spki })).delivery).toBe('envelope');
});

test('what two operators recovered for the holder only the holder takes, once, and hears of both steps', async () => {
  const { by, serialHex, personId } = await citizen();
  const taken = await takeEncryptionCertificate(deps, { serialHex, by, handover: { as: 'pkcs12', password: PASSWORD } });
  await revokeHeldCertificate(deps, { serialHex, reason: 'key-compromise', by: { personId } });
  const take = (who = by, password = 'Another-horse-7') => takeRecoveredKey(deps, { serialHex, by: who, password });
  expect(await problemOf(take())).toBe('key-recovery-not-found');
  await recovered(taken.certificate.serialHex);
  expect(await problemOf(take((await citizen()).by))).toBe('certificate-not-found');
  expect(await problemOf(take(by, 'weak'))).toBe('pfx-password-too-weak');
  const { pfx } = await take();
  expect(new X509Certificate(taken.certificate.der).checkPrivateKey(keyIn(pfx, 'Another-horse-7'))).toBe(true);
  expect(await problemOf(take())).toBe('key-recovery-not-found');
  const kinds = (await db.certificateNotice.findMany({ where: { personId } })).map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['key-recovery-1', 'key-recovered-1']));
  await recovered(taken.certificate.serialHex);
  await take();
  expect((await findEncryptionTwin(deps, serialHex))?.recoveries).toBe(2);
  expect(await db.certificateNotice.count({ where: { personId, kind: 'key-recovered-2' } })).toBe(1);
});

test('a rejected recovery gives nothing, and needs a reason', async () => {
  const { by, serialHex } = await citizen();
  const { certificate } = await takeEncryptionCertificate(deps, { serialHex, by, handover: { as: 'pkcs12', password: PASSWORD } });
  const { id, digest } = await requestKeyRecovery(deps, {
    serialHex: certificate.serialHex,
    reason: '电话申请恢复，未核实身份',
    by: first,
  });
  const reject = (reason: string) => decideKeyRecovery(deps, { id, by: second, decision: 'reject', digest, reason });
  expect(await problemOf(reject(''))).toBe('invalid-input');
  expect((await reject('身份未核实')).status).toBe('rejected');
  expect(await problemOf(takeRecoveredKey(deps, { serialHex, by, password: PASSWORD }))).toBe('key-recovery-not-found');
});

test('revoking the signing certificate for good ends the encryption certificate too; a hold does not', async () => {
  const { by, serialHex } = await citizen();
  const { certificate } = await takeEncryptionCertificate(deps, { serialHex, by, handover: { as: 'pkcs12', password: PASSWORD } });
  await revokeCertificate(deps, { serialHex, reason: 'certificate-hold', by: 'system:test' });
  expect((await findEncryptionTwin(deps, serialHex))?.revoked).toBe(false);
  await revokeCertificate(deps, { serialHex, reason: 'key-compromise', by: 'system:test' });
  const row = await db.issuedCertificate.findUniqueOrThrow({ where: { serialHex: certificate.serialHex } });
  expect(row).toMatchObject({ revocationReason: 'key-compromise' });
});

test('taken and revoked in the same moment: no encryption certificate in force is left behind', async () => {
  for (let round = 0; round < 6; round++) {
    const { by, serialHex } = await citizen();
    const taking = problemOf(takeEncryptionCertificate(deps, { serialHex, by, handover: { as: 'envelope' } }));
    const [taken] = await Promise.all([taking, revokeCertificate(deps, { serialHex, reason: 'superseded', by: 'system:test' })]);
    const archived = await db.archivedKey.findUnique({ where: { signingSerial: serialHex } });
    expect(archived !== null).toBe(taken === 'ok');
    if (taken !== 'ok') expect(taken).toBe('certificate-not-usable');
    const twin = archived && (await db.issuedCertificate.findUniqueOrThrow({ where: { serialHex: archived.serialHex } }));
    if (twin) expect(twin.revokedAt).not.toBeNull();
  }
});
