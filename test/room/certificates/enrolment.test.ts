import { expect, test } from 'vitest';
import { cancelCertificateRequest } from '#certificates/cancel-certificate-request.ts';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { LIMITS } from '#certificates/enrolment-limits.ts';
import { fetchIssued, listCertificateRequests, requireCertificateRequest } from '#certificates/find-certificate-request.ts';
import { listHeldCertificates } from '#certificates/held-certificates.ts';
import { renewCertificate } from '#certificates/renew-certificate.ts';
import { requestOrganisationCertificate } from '#certificates/request-organisation-certificate.ts';
import { requestPersonCertificate } from '#certificates/request-person-certificate.ts';
import { revokeHeldCertificate } from '#certificates/revoke-held-certificate.ts';
import { OID } from '#crypto/oids.ts';
import { registerPerson } from '#people/register-person.ts';
import { isIssuedBy } from '#pki/certificate.ts';
import { attributeOf } from '#pki/name.ts';
import { profileOf } from '#pki/profiles.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { makeCsr, newKey } from '#test/fakes/make-csr.ts';
import { enrolmentWorld, problemOf } from './enrolment-world.ts';

const world = await enrolmentWorld();
const { deps, db, clock, session, requestId } = world;
const DAY_MS = 86_400_000;

const personAsks = (personId: string, more: Partial<Parameters<typeof requestPersonCertificate>[1]> = {}) =>
  requestPersonCertificate(deps, { personId, session: session(), csr: makeCsr().pem, requestId: requestId(), ...more });
const operator = () => world.staff(world.city.id, 'operator');
const sealAdmin = () => world.staff(world.tea.id, 'seal-admin');

test('a person gets a certificate at once: the name is the register’s, whatever the request says', async () => {
  const { id } = await world.person();
  const csr = makeCsr({ commonName: '示范市人民政府', dnsName: 'city.example.cn' });
  const { certificate, chain, request } = await personAsks(id, { csr: csr.pem });
  expect(attributeOf(certificate.subject, OID.commonName)).toBe('林晓梅');
  expect(certificate.subjectAltNames).toEqual([]);
  expect(profileOf(certificate)).toBe('person');
  expect(Buffer.from(certificate.spki).equals(csr.key.publicKey.spki)).toBe(true);
  expect(chain).toHaveLength(3);
  expect(chain.slice(0, 2).every((each, index) => isIssuedBy(each, chain[index + 1] ?? each))).toBe(true);
  expect(request).toMatchObject({ status: 'issued', serialHex: certificate.serialHex, holder: { kind: 'person', personId: id } });
  const [held] = await listHeldCertificates(deps, { personId: id });
  expect(held).toMatchObject({ status: 'good', profile: 'person', renewable: false, keyFingerprint: request.keyFingerprint });
  expect((await db.auditEvent.findMany({ where: { subject: `certificate-request:${request.id}` } })).map(({ kind }) => kind)).toEqual([
    'certificate-requested',
  ]);
});

test('a certificate says of a person what the operator decided: a masked name, a number only hashed', async () => {
  const citizenNumber = '350203198505050019';
  const { id } = await registerPerson(deps, {
    name: '林晓梅',
    citizenNumber,
    evidence: { method: 'registry-match', source: 'test' },
    by: 'system:test',
  });
  const input = { personId: id, session: session(), csr: makeCsr().pem, requestId: requestId() };
  const naming = { citizenNumber: 'hashed', name: 'masked' } as const;
  const { certificate } = await requestPersonCertificate({ ...deps, personNaming: naming }, input);
  expect(attributeOf(certificate.subject, OID.commonName)).toBe('林**');
  expect(Buffer.from(certificate.der).toString('latin1')).toMatch(/H1:[0-9a-f]{64}/);
  const plain = await personAsks(id);
  expect(plain.certificate.extensions.has(OID.gmIdentifyCode)).toBe(false);
  for (const each of [certificate, plain.certificate]) expect(Buffer.from(each.der).toString('latin1')).not.toContain(citizenNumber);
});

test('the same request sent again, also at the same time, is answered with the same certificate', async () => {
  const { id } = await world.person();
  const input = { csr: makeCsr().pem, requestId: requestId() };
  const answers = await Promise.all([1, 2, 3].map(() => personAsks(id, input)));
  const serials = new Set(answers.map(({ certificate }) => certificate.serialHex));
  expect([...serials, (await personAsks(id, input)).certificate.serialHex].filter((x, i, all) => all.indexOf(x) === i)).toHaveLength(1);
  expect(await problemOf(personAsks(id, { requestId: input.requestId }))).toBe('request-id-taken');
});

test('a name that no register confirmed, a proof that is too old, and a weak session are refused', async () => {
  const unsure = await world.person('self-declared');
  expect(await problemOf(personAsks(unsure.id))).toBe('person-level-too-low');
  const { id } = await world.person();
  const at = clock.now();
  const old = { acrLevel: 3, authTime: new Date(at.getTime() - 600_001) };
  expect(await problemOf(personAsks(id, { session: old }))).toBe('fresh-sign-in-needed');
  expect(await problemOf(personAsks(id, { session: { acrLevel: 2, authTime: at } }))).toBe('fresh-sign-in-needed');
  const edge = { acrLevel: 3, authTime: new Date(at.getTime() - 600_000) };
  expect(await problemOf(personAsks(id, { session: edge }))).toBe('ok');
});

test('a key has one holder and one certificate', async () => {
  const [first, second] = [await world.person(), await world.person()];
  const { pem } = makeCsr();
  await personAsks(first.id, { csr: pem });
  expect(await problemOf(personAsks(second.id, { csr: pem }))).toBe('certificate-key-in-use');
  expect(await problemOf(personAsks(first.id, { csr: pem }))).toBe('certificate-key-in-use');
  const racing = makeCsr().pem;
  const outcomes = await Promise.all([first, second].map(({ id }) => problemOf(personAsks(id, { csr: racing }))));
  expect(outcomes.sort()).toEqual(['certificate-key-in-use', 'ok']);
});

test('of two requests for one key with different profiles in the same moment one is refused, whoever asks', async () => {
  for (let round = 0; round < 5; round++) {
    const keeper = await world.staff(world.city.id, 'seal-admin');
    const { id } = await world.person();
    const key = newKey();
    const asking = (profile: 'organisation' | 'document-signer') =>
      problemOf(requestOrganisationCertificate(deps, { by: keeper, csr: makeCsr({ key }).pem, requestId: requestId(), profile }));
    const outcomes = await Promise.all([
      asking('organisation'),
      asking('document-signer'),
      problemOf(personAsks(id, { csr: makeCsr({ key }).pem })),
    ]);
    expect(outcomes.sort()).toEqual(['certificate-key-in-use', 'certificate-key-in-use', 'ok']);
  }
});

test('five certificates at the same time are the most a person holds, also when asked for at once', async () => {
  const { id } = await world.person();
  const outcomes = await Promise.all(Array.from({ length: LIMITS.person.live + 2 }, () => problemOf(personAsks(id))));
  expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(LIMITS.person.live);
  expect(outcomes.filter((outcome) => outcome === 'certificate-limit')).toHaveLength(2);
  const [one] = await listHeldCertificates(deps, { personId: id });
  await revokeHeldCertificate(deps, { serialHex: one?.serialHex ?? '', reason: 'superseded', by: { personId: id } });
  expect(await problemOf(personAsks(id))).toBe('ok');
});

test('an RSA key is understood and refused clearly where the profile takes none', async () => {
  const { id } = await world.person();
  const refused = personAsks(id, { csr: makeCsr({ suite: 'rs256' }).pem });
  await expect(refused).rejects.toMatchObject({ code: 'csr-not-acceptable', detail: expect.stringContaining('not for RSA') });
  const sm2 = await personAsks(id, { csr: makeCsr({ suite: 'sm2-sm3' }).pem });
  expect(sm2.request.suite).toBe('sm2-sm3');
});

test('a signer that is away loses nothing: the same request is answered when it is back', async () => {
  const { id } = await world.person();
  const away: KeyStore = { ...deps.keys, sign: () => Promise.reject(new Problem('signer-unavailable')) };
  const input = { personId: id, session: session(), csr: makeCsr().pem, requestId: requestId() };
  expect(await problemOf(requestPersonCertificate({ ...deps, keys: away }, input))).toBe('signer-unavailable');
  const { certificate } = await requestPersonCertificate(deps, input);
  expect(await db.certificateRequest.count({ where: { personId: id } })).toBe(1);
  expect((await listHeldCertificates(deps, { personId: id })).map(({ serialHex }) => serialHex)).toEqual([certificate.serialHex]);
});

test('staff of an organisation ask, one operator approves, and the certificate bears name and code of the register', async () => {
  const admin = await sealAdmin();
  const asked = await requestOrganisationCertificate(deps, { by: admin, csr: makeCsr().pem, requestId: requestId() });
  expect(asked).toMatchObject({ status: 'requested', firstApproval: true, subject: { commonName: world.tea.name, uscc: world.tea.uscc } });
  expect(await fetchIssued(deps, asked.id)).toBeUndefined();
  const done = await decideCertificateRequest(deps, { id: asked.id, by: await operator(), decision: 'approve', digest: asked.digest });
  expect(done.status).toBe('issued');
  const issued = await fetchIssued(deps, asked.id);
  expect(issued && attributeOf(issued.certificate.subject, OID.organisationIdentifier)).toBe(`NTRCN-${world.tea.uscc}`);
  expect(issued && profileOf(issued.certificate)).toBe('organisation');
  expect((await db.approval.findFirst({ where: { subject: `certificate-request:${asked.id}` } }))?.status).toBe('taken');
});

test('a document signer, which can make a file official, is for departments alone', async () => {
  const ask = (by: { personId: string; organisationId: string }, profile: 'document-signer' | 'seal') =>
    problemOf(requestOrganisationCertificate(deps, { by, csr: makeCsr().pem, requestId: requestId(), profile }));
  const department = await world.staff(world.city.id, 'seal-admin');
  expect(await ask(await sealAdmin(), 'document-signer')).toBe('invalid-input');
  expect(await ask(department, 'seal')).toBe('invalid-input');
  expect(await ask(department, 'document-signer')).toBe('ok');
});

test('a system that calls us gets a client certificate of its organisation, for P-256 alone, which signs nothing else', async () => {
  const by = await sealAdmin();
  const ask = (csr: string) => requestOrganisationCertificate(deps, { by, csr, requestId: requestId(), profile: 'service-client' });
  expect(await problemOf(ask(makeCsr({ suite: 'sm2-sm3' }).pem))).toBe('csr-not-acceptable');
  const asked = await ask(makeCsr().pem);
  await decideCertificateRequest(deps, { id: asked.id, by: await operator(), decision: 'approve' });
  const issued = await fetchIssued(deps, asked.id);
  expect(issued && profileOf(issued.certificate)).toBe('service-client');
  expect(issued?.certificate.extKeyUsage).toEqual([OID.clientAuthentication]);
  expect([...(issued?.certificate.keyUsage ?? [])]).toEqual(['digital-signature']);
});

test('looking for how a name or a serial number begins goes along an index, whatever the collation', async () => {
  const plans = await db.$transaction(async (tx) => {
    // A table of a test is too small for any index to pay.
    await tx.$executeRaw`SET LOCAL enable_seqscan = off`;
    const names = await tx.$queryRaw<Record<string, string>[]>`EXPLAIN SELECT id FROM issued_certificate WHERE subject LIKE '示范%'`;
    const serials = await tx.$queryRaw<Record<string, string>[]>`EXPLAIN SELECT id FROM issued_certificate WHERE serial_hex LIKE 'ab12%'`;
    return [names, serials].map((plan) => plan.map((line) => Object.values(line).join(' ')).join('\n'));
  });
  expect(plans[0]).toMatch(/Index Cond: .*subject/);
  expect(plans[1]).toMatch(/Index Cond: .*serial_hex/);
});

test('nobody approves their own request, and who is no operator approves none', async () => {
  const both = await world.staff(world.tea.id, 'seal-admin', 'operator', 'approver');
  const { id } = await requestOrganisationCertificate(deps, { by: both, csr: makeCsr().pem, requestId: requestId() });
  expect(await problemOf(decideCertificateRequest(deps, { id, by: both, decision: 'approve' }))).toBe('same-person');
  const approver = await world.staff(world.tea.id, 'approver');
  expect(await problemOf(decideCertificateRequest(deps, { id, by: approver, decision: 'approve' }))).toBe('not-allowed');
  expect((await requireCertificateRequest(deps, id)).status).toBe('requested');
});

test('what a system asks for needs two operators', async () => {
  const by = { clientId: 'tea-erp', organisationId: world.tea.id };
  const [first, second] = [await operator(), await operator()];
  const { id } = await requestOrganisationCertificate(deps, { by, csr: makeCsr().pem, requestId: requestId() });
  expect(await decideCertificateRequest(deps, { id, by: first, decision: 'approve' })).toMatchObject({
    status: 'requested',
    firstApproval: true,
  });
  expect(await problemOf(decideCertificateRequest(deps, { id, by: first, decision: 'approve' }))).toBe('same-person');
  expect((await decideCertificateRequest(deps, { id, by: second, decision: 'approve' })).status).toBe('issued');
  expect(await problemOf(decideCertificateRequest(deps, { id, by: second, decision: 'reject', reason: '重复' }))).toBe(
    'certificate-request-settled',
  );
});

test('a rejection gives its reason and leaves no certificate', async () => {
  const admin = await sealAdmin();
  const { id } = await requestOrganisationCertificate(deps, { by: admin, csr: makeCsr().pem, requestId: requestId() });
  const by = await operator();
  expect(await problemOf(decideCertificateRequest(deps, { id, by, decision: 'reject' }))).toBe('invalid-input');
  const rejected = await decideCertificateRequest(deps, { id, by, decision: 'reject', reason: '材料不全' });
  expect(rejected).toMatchObject({ status: 'rejected', reason: '材料不全', decidedBy: `staff:${by.id}` });
  expect(await fetchIssued(deps, id)).toBeUndefined();
});

test('of two operators who decide at once one decides', async () => {
  const { id } = await requestOrganisationCertificate(deps, { by: await sealAdmin(), csr: makeCsr().pem, requestId: requestId() });
  const [first, second] = [await operator(), await operator()];
  const outcomes = await Promise.all([
    problemOf(decideCertificateRequest(deps, { id, by: first, decision: 'approve' })),
    problemOf(decideCertificateRequest(deps, { id, by: second, decision: 'reject', reason: '材料不全' })),
  ]);
  expect(outcomes.filter((outcome) => outcome === 'ok')).toHaveLength(1);
  const { status } = await requireCertificateRequest(deps, id);
  expect(await db.issuedCertificate.count({ where: { serialHex: (await requireCertificateRequest(deps, id)).serialHex ?? '-' } })).toBe(
    status === 'issued' ? 1 : 0,
  );
});

test('a body renamed since it asked is not certified under its old name', async () => {
  const admin = await world.staff(world.other.id, 'seal-admin');
  const { id } = await requestOrganisationCertificate(deps, { by: admin, csr: makeCsr().pem, requestId: requestId() });
  await db.organisation.update({ where: { id: world.other.id }, data: { name: '示范物流集团有限公司' } });
  expect(await problemOf(decideCertificateRequest(deps, { id, by: await operator(), decision: 'approve' }))).toBe(
    'certificate-request-changed',
  );
});

test('a request can be taken back by its own organisation and by nobody else', async () => {
  const admin = await sealAdmin();
  const stranger = await world.staff(world.other.id, 'seal-admin');
  const { id } = await requestOrganisationCertificate(deps, { by: admin, csr: makeCsr().pem, requestId: requestId() });
  expect(await problemOf(cancelCertificateRequest(deps, { id, by: stranger }))).toBe('certificate-request-not-found');
  await cancelCertificateRequest(deps, { id, by: admin });
  expect(await problemOf(cancelCertificateRequest(deps, { id, by: admin }))).toBe('certificate-request-settled');
  expect(await problemOf(decideCertificateRequest(deps, { id, by: await operator(), decision: 'approve' }))).toBe(
    'certificate-request-settled',
  );
});

test('holders revoke what is theirs, with the reasons that are theirs to give', async () => {
  const [owner, stranger] = [await world.person(), await world.person()];
  const { certificate } = await personAsks(owner.id);
  const { serialHex } = certificate;
  const revoke = (by: Parameters<typeof revokeHeldCertificate>[1]['by'], reason: 'key-compromise' | 'ca-compromise' = 'key-compromise') =>
    problemOf(revokeHeldCertificate(deps, { serialHex, reason, by }));
  expect(await revoke({ personId: stranger.id })).toBe('certificate-not-found');
  expect(await revoke(await sealAdmin())).toBe('certificate-not-found');
  expect(await revoke({ personId: owner.id }, 'ca-compromise')).toBe('invalid-input');
  expect(await revoke({ operator: await sealAdmin() })).toBe('not-allowed');
  expect(await revoke({ personId: owner.id })).toBe('ok');
  expect(await revoke({ operator: await operator() })).toBe('certificate-already-revoked');
  expect((await listHeldCertificates(deps, { personId: owner.id }))[0]).toMatchObject({ status: 'revoked', reason: 'key-compromise' });
});

test('a certificate is renewed from sixty days before its end, once, with the same key or another', async () => {
  const { id } = await world.person();
  const key = newKey();
  const { certificate } = await personAsks(id, { csr: makeCsr({ key }).pem });
  const renew = (requestNumber: string, csr = makeCsr({ key }).pem) =>
    renewCertificate(deps, { serialHex: certificate.serialHex, csr, requestId: requestNumber, by: { personId: id, session: session() } });
  expect(await problemOf(renew(requestId()))).toBe('certificate-not-renewable');
  const before = clock.now();
  clock.set(new Date(certificate.notAfter.getTime() - 60 * DAY_MS));
  expect((await listHeldCertificates(deps, { personId: id }))[0]?.renewable).toBe(true);
  const number = requestId();
  const next = await renew(number);
  expect(next.request).toMatchObject({ renewsSerial: certificate.serialHex, status: 'issued' });
  expect(next.certificate?.notAfter.getTime()).toBeGreaterThan(certificate.notAfter.getTime());
  expect((await renew(number)).certificate?.serialHex).toBe(next.certificate?.serialHex);
  expect(await problemOf(renew(requestId(), makeCsr().pem))).toBe('certificate-not-renewable');
  clock.set(before);
});

test('an organisation renews at once with the same key and unchanged data; with another key operators decide again', async () => {
  const admin = await sealAdmin();
  const get = async (key = newKey()) => {
    const { id } = await requestOrganisationCertificate(deps, { by: admin, csr: makeCsr({ key }).pem, requestId: requestId() });
    await decideCertificateRequest(deps, { id, by: await operator(), decision: 'approve' });
    return (await fetchIssued(deps, id))?.certificate;
  };
  const key = newKey();
  const [same, other] = [await get(key), await get()];
  const before = clock.now();
  clock.set(new Date((same?.notAfter.getTime() ?? 0) - 10 * DAY_MS));
  const renew = (serialHex = '', csr = makeCsr({ key }).pem) =>
    renewCertificate(deps, { serialHex, csr, requestId: requestId(), by: admin });
  expect((await renew(same?.serialHex)).certificate).toBeDefined();
  const rekeyed = await renew(other?.serialHex, makeCsr().pem);
  expect(rekeyed.certificate).toBeUndefined();
  expect(rekeyed.request).toMatchObject({ status: 'requested', renewsSerial: other?.serialHex });
  expect((await decideCertificateRequest(deps, { id: rekeyed.request.id, by: await operator(), decision: 'approve' })).status).toBe(
    'issued',
  );
  clock.set(before);
});

test('undecided requests expire, and the queue shows only what can be decided', async () => {
  const { id } = await requestOrganisationCertificate(deps, { by: await sealAdmin(), csr: makeCsr().pem, requestId: requestId() });
  const before = clock.now();
  const queue = async () => (await listCertificateRequests(deps, { status: 'requested', limit: 200 })).items.map((item) => item.id);
  expect(await queue()).toContain(id);
  clock.set(new Date(before.getTime() + 30 * DAY_MS));
  expect(await queue()).not.toContain(id);
  expect((await requireCertificateRequest(deps, id)).status).toBe('expired');
  expect(await problemOf(decideCertificateRequest(deps, { id, by: await operator(), decision: 'approve' }))).toBe(
    'certificate-request-expired',
  );
  clock.set(before);
});
