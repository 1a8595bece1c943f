/** Legal representatives and agents: who becomes one, what their certificates say, and that these end with the authority. */
import { expect, test } from 'vitest';
import { decideRepresentative, findProposedRepresentative, proposeRepresentative } from '#access/appoint-representative.ts';
import { revokeEndedAuthority } from '#certificates/acting.ts';
import { endMandate } from '#certificates/end-mandate.ts';
import { certificateStatus } from '#certificates/find-certificates.ts';
import { renewCertificate } from '#certificates/renew-certificate.ts';
import { requestActingCertificate } from '#certificates/request-acting-certificate.ts';
import { settleCertificateRequests } from '#certificates/settle-certificate-requests.ts';
import { findEncryptionTwin, takeEncryptionCertificate } from '#certificates/take-encryption-certificate.ts';
import { OID } from '#crypto/oids.ts';
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { grantMandate, listMandates } from '#people/mandates.ts';
import { registerPerson } from '#people/register-person.ts';
import { findRepresentative, listRepresented, recordRepresentative } from '#people/representatives.ts';
import { parseMandate } from '#pki/holder-extensions.ts';
import { attributeOf } from '#pki/name.ts';
import { MANDATE_EXTENSION, profileOf } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import { makeCsr } from '../../fakes/make-csr.ts';
import { enrolmentWorld, problemOf } from './enrolment-world.ts';

const world = await enrolmentWorld();
const { db, deps, clock, tea } = world;
const DAY_MS = 86_400_000;
const [first, second] = await Promise.all([world.staff(world.city.id, 'operator'), world.staff(world.city.id, 'operator')]);
const inDays = (days: number) => new Date(clock.now().getTime() + days * DAY_MS);
let numbers = 0;

async function citizen(name: string) {
  const body = `35020319900101${String(++numbers).padStart(3, '0')}`;
  const citizenNumber = `${body}${citizenCheckCharacter(body)}`;
  const evidence = { method: 'registry-match' as const, source: 'test' };
  const { id } = await registerPerson(deps, { name, citizenNumber, by: 'system:test', evidence });
  return { id, name, citizenNumber };
}

async function appoint(personId: string | undefined, organisationId = tea.id) {
  const proposal = { organisationId, source: '市场监管登记 2026-1', by: first, ...(personId ? { personId } : {}) };
  const { id, digest } = await proposeRepresentative(deps, proposal);
  await decideRepresentative(deps, { organisationId, id, digest, decision: 'approve', by: second });
}

const ask = (personId: string, acting: { organisationId: string; mandateId?: string }, csr = makeCsr().pem) =>
  requestActingCertificate(deps, { personId, session: world.session(), csr, requestId: world.requestId(), acting });
const statusOf = async (serialHex: string) => certificateStatus(deps, serialHex);
const grant = (by: string, agent: { name: string; citizenNumber: string }, change: object = {}) =>
  grantMandate(deps, { organisationId: tea.id, agent, scope: '办理税务申报', validUntil: inDays(90), by, ...change });

test('two operators enter the representative, nobody enters themselves, and only the registered one gets the certificate', async () => {
  const boss = await citizen('陈建国');
  expect(await problemOf(ask(boss.id, { organisationId: tea.id }))).toBe('not-representative');
  const propose = (personId: string, source = '营业执照副本') =>
    problemOf(proposeRepresentative(deps, { organisationId: tea.id, personId, source, by: first }));
  expect(await propose(first.personId)).toBe('invalid-input');
  expect(await propose(boss.id, '')).toBe('invalid-input');
  expect(await propose(boss.id)).toBe('ok');
  expect(await propose(boss.id)).toBe('approval-pending');
  const proposed = await findProposedRepresentative(deps, tea.id);
  const { id = '', digest = '' } = proposed?.approval ?? {};
  const decide = (by: typeof first, organisationId = tea.id) =>
    problemOf(decideRepresentative(deps, { organisationId, id, digest, decision: 'approve', by }));
  expect(await decide(first)).toBe('same-person');
  expect(await decide(await world.staff(tea.id, 'approver'))).toBe('not-allowed');
  expect(await decide(second, world.other.id)).toBe('approval-not-found');
  expect(await findRepresentative(deps, tea.id)).toBeUndefined();
  expect(await decide(second)).toBe('ok');
  expect(await listRepresented(deps, boss.id)).toEqual([tea.id]);
  const { certificate } = await ask(boss.id, { organisationId: tea.id });
  if (!certificate) throw new Error('no certificate');
  expect(profileOf(certificate)).toBe('legal-representative');
  expect(attributeOf(certificate.subject, OID.commonName)).toBe('陈建国');
  expect(attributeOf(certificate.subject, OID.organisation)).toBe(tea.name);
  expect(attributeOf(certificate.subject, OID.organisationIdentifier)).toBe(`NTRCN-${tea.uscc}`);
});

test('whoever follows in office ends the certificate of the one before, with its encryption certificate', async () => {
  const [before, after] = [await citizen('陈建国'), await citizen('林志远')];
  await appoint(before.id);
  const { certificate } = await ask(before.id, { organisationId: tea.id });
  const serialHex = certificate?.serialHex ?? '';
  const by = { personId: before.id, session: world.session() };
  await takeEncryptionCertificate(deps, { serialHex, by, handover: { as: 'pkcs12', password: 'Correct-horse-9' } });
  expect(await revokeEndedAuthority(deps)).toBeGreaterThanOrEqual(0);
  expect((await statusOf(serialHex)).status).toBe('good');
  await appoint(after.id);
  const own = await ask(after.id, { organisationId: tea.id });
  expect(await problemOf(ask(before.id, { organisationId: tea.id }))).toBe('not-representative');
  expect(await revokeEndedAuthority(deps)).toBe(1);
  expect(await statusOf(serialHex)).toMatchObject({ status: 'revoked', reason: 'affiliation-changed' });
  expect((await findEncryptionTwin(deps, serialHex))?.revoked).toBe(true);
  expect((await statusOf(own.certificate?.serialHex ?? '')).status).toBe('good');
  await appoint(undefined);
  expect(await revokeEndedAuthority(deps)).toBe(1);
  expect((await statusOf(own.certificate?.serialHex ?? '')).status).toBe('revoked');
  expect(await revokeEndedAuthority(deps)).toBe(0);
});

test('an agent’s certificate names the mandate, ends with it, and is revoked when it is withdrawn', async () => {
  const [boss, agent] = [await citizen('陈建国'), await citizen('苏小敏')];
  await appoint(boss.id);
  const mandate = await grant(boss.id, agent);
  expect(mandate.reference).toMatch(/^SQ-2026-\d{8}$/);
  const acting = { organisationId: tea.id, mandateId: mandate.id };
  expect(await problemOf(ask(boss.id, acting))).toBe('mandate-not-found');
  expect(await problemOf(ask(agent.id, { organisationId: world.other.id, mandateId: mandate.id }))).toBe('mandate-not-found');
  const { certificate } = await ask(agent.id, acting);
  if (!certificate) throw new Error('no certificate');
  expect(profileOf(certificate)).toBe('agent');
  expect(certificate.notAfter).toEqual(mandate.validUntil);
  const value = certificate.extensions.get(MANDATE_EXTENSION)?.value ?? new Uint8Array();
  expect(parseMandate(value)).toEqual({ reference: mandate.reference, validUntil: mandate.validUntil });
  expect(attributeOf(certificate.subject, OID.commonName)).toBe('苏小敏');
  const stranger = await citizen('王五');
  expect(await problemOf(endMandate(deps, { id: mandate.id, by: stranger.id }))).toBe('mandate-not-found');
  await endMandate(deps, { id: mandate.id, by: boss.id });
  expect(await statusOf(certificate.serialHex)).toMatchObject({ status: 'revoked', reason: 'privilege-withdrawn' });
  expect(await problemOf(ask(agent.id, acting))).toBe('mandate-not-in-force');
  expect(await problemOf(endMandate(deps, { id: mandate.id, by: boss.id }))).toBe('mandate-not-in-force');
});

test('an agent may give the mandate back; after its end it opens nothing', async () => {
  const [boss, agent] = [await citizen('陈建国'), await citizen('苏小敏')];
  await appoint(boss.id);
  const returned = await grant(boss.id, agent);
  const { certificate } = await ask(agent.id, { organisationId: tea.id, mandateId: returned.id });
  await endMandate(deps, { id: returned.id, by: agent.id });
  expect((await statusOf(certificate?.serialHex ?? '')).status).toBe('revoked');
  const short = await grant(boss.id, agent, { validUntil: inDays(2) });
  clock.advance(2 * DAY_MS);
  expect(await problemOf(ask(agent.id, { organisationId: tea.id, mandateId: short.id }))).toBe('mandate-not-in-force');
  expect(await listMandates(deps, { agentId: agent.id })).toHaveLength(2);
});

test.each([
  ['with another name', { name: '张冠李' }, {}, 'invalid-input'],
  ['by a number nobody has', { citizenNumber: '110101199003070028' }, {}, 'invalid-input'],
  ['without a matter', {}, { scope: ' ' }, 'invalid-input'],
  ['until yesterday', {}, { validUntil: new Date('2026-05-01T00:00:00Z') }, 'invalid-input'],
  ['for two years', {}, { validUntil: new Date('2028-06-30T00:00:00Z') }, 'invalid-input'],
] as const)('a mandate is refused %s', async (_what, agentChange, change, code) => {
  const [boss, agent] = [await citizen('陈建国'), await citizen('苏小敏')];
  await appoint(boss.id);
  expect(await problemOf(grant(boss.id, { ...agent, ...agentChange }, change))).toBe(code);
});

test('only the present representative grants, and not to themselves', async () => {
  const [boss, agent] = [await citizen('陈建国'), await citizen('苏小敏')];
  await appoint(boss.id);
  expect(await problemOf(grant(agent.id, agent))).toBe('not-representative');
  expect(await problemOf(grant(boss.id, boss))).toBe('invalid-input');
  await appoint(undefined);
  expect(await problemOf(grant(boss.id, agent))).toBe('not-representative');
});

test('authority lost while the signer was away: what is signed later is revoked at once by the worker', async () => {
  const boss = await citizen('陈建国');
  await appoint(boss.id);
  const key = makeCsr().pem;
  const asked = requestActingCertificate(
    { ...deps, keys: { ...deps.keys, sign: () => Promise.reject(new Problem('signer-unavailable')) } },
    { personId: boss.id, session: world.session(), csr: key, requestId: world.requestId(), acting: { organisationId: tea.id } },
  );
  expect(await problemOf(asked)).toBe('signer-unavailable');
  await appoint(undefined);
  await settleCertificateRequests(deps);
  await revokeEndedAuthority(deps);
  const [row] = await db.certificateRequest.findMany({ where: { personId: boss.id } });
  expect(row?.status).toBe('issued');
  expect((await statusOf(row?.serialHex ?? '')).status).toBe('revoked');
});

test('a renewal looks at the authority again', async () => {
  const boss = await citizen('陈建国');
  await appoint(boss.id);
  const { certificate } = await ask(boss.id, { organisationId: tea.id });
  const serialHex = certificate?.serialHex ?? '';
  clock.advance(320 * DAY_MS);
  const renew = () =>
    renewCertificate(deps, {
      ...{ serialHex, csr: makeCsr().pem, requestId: world.requestId() },
      by: { personId: boss.id, session: world.session() },
    });
  const next = await renew();
  expect(next.certificate && profileOf(next.certificate)).toBe('legal-representative');
  expect(next.certificate && attributeOf(next.certificate.subject, OID.organisation)).toBe(tea.name);
  clock.advance(320 * DAY_MS);
  await db.$transaction((tx) => recordRepresentative(tx, { organisationId: tea.id, source: 'test', by: 'system:test', at: clock.now() }));
  const again = renewCertificate(deps, {
    ...{ serialHex: next.certificate?.serialHex ?? '', csr: makeCsr().pem, requestId: world.requestId() },
    by: { personId: boss.id, session: world.session() },
  });
  expect(await problemOf(again)).toBe('not-representative');
});
