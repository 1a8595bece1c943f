/** Certificates of web servers: host names are proven one by one, then operators decide, and what was not proven is not issued. */
import { beforeEach, expect, test } from 'vitest';
import { checkDomains, listDomainProofs } from '#certificates/check-domains.ts';
import { decideCertificateRequest } from '#certificates/decide-certificate-request.ts';
import { fetchIssued, requireCertificateRequest } from '#certificates/find-certificate-request.ts';
import { findHeldCertificate } from '#certificates/held-certificates.ts';
import { renewCertificate } from '#certificates/renew-certificate.ts';
import { requestOrganisationCertificate } from '#certificates/request-organisation-certificate.ts';
import { revokeHeldCertificate } from '#certificates/revoke-held-certificate.ts';
import { settleCertificateRequests } from '#certificates/settle-certificate-requests.ts';
import { OID } from '#crypto/oids.ts';
import { attributeOf } from '#pki/name.ts';
import { profileOf } from '#pki/profiles.ts';
import type { DomainControl, DomainFault, DomainProbe } from '#ports/domain-control.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { enrolmentWorld, problemOf } from './enrolment-world.ts';

const world = await enrolmentWorld();
const { db, clock, requestId } = world;
const NAMES = ['www.shifan-tea.cn', 'shifan-tea.cn'];
/** What stands on the network: name → path's token → text. */
const web = new Map<string, Map<string, string>>();
const probes: DomainProbe[] = [];
const domains: DomainControl = {
  async check(probe): Promise<DomainFault | undefined> {
    probes.push(probe);
    const host = web.get(probe.name);
    if (!host) return 'unreachable';
    const found = host.get(probe.token);
    return found === undefined ? 'not-found' : found === probe.expected ? undefined : 'other-content';
  },
};
const deps = { ...world.deps, domains };
const keeper = await world.staff(world.tea.id, 'seal-admin');
const operator = await world.staff(world.city.id, 'operator');

beforeEach(() => {
  web.clear();
  probes.length = 0;
  clock.advance(60_000);
});
const ask = (more: Partial<Parameters<typeof requestOrganisationCertificate>[1]> = {}) =>
  requestOrganisationCertificate(deps, {
    ...{ by: keeper, csr: makeCsr({ commonName: 'evil.example.com', dnsName: 'evil.example.com' }).pem, requestId: requestId() },
    ...{ profile: 'web-server', dnsNames: NAMES, ...more },
  });
/** Puts the text where it must stand. */
async function place(id: string, names: readonly string[] = NAMES): Promise<void> {
  for (const { name, url, content } of await listDomainProofs(deps, id)) {
    if (names.includes(name)) web.set(name, new Map([[url.split('/').at(-1) ?? '', content]]));
  }
}
const look = (id: string, by = keeper) => checkDomains(deps, { id, by });
const approve = (id: string) => decideCertificateRequest(deps, { id, by: operator, decision: 'approve' });

test('each name is proven, an operator approves, and the certificate names exactly these hosts, whatever the request said', async () => {
  const { id } = await ask();
  await place(id);
  const proofs = await look(id);
  expect(proofs.map(({ name, provenAt }) => [name, provenAt !== undefined])).toEqual(NAMES.map((name) => [name, true]));
  const logged = async () => (await db.logEntry.count()) + (await db.logPending.count());
  const before = await logged();
  expect(await approve(id)).toMatchObject({ status: 'issued', dnsNames: NAMES });
  const issued = await fetchIssued(deps, id);
  const certificate = issued?.certificate;
  if (!certificate) throw new Error('no certificate');
  expect(profileOf(certificate)).toBe('web-server');
  expect(certificate.subjectAltNames).toEqual(NAMES.map((value) => ({ kind: 'dns', value })));
  expect(attributeOf(certificate.subject, OID.commonName)).toBe(NAMES[0]);
  expect(attributeOf(certificate.subject, OID.organisation)).toBe(world.tea.name);
  expect(Buffer.from(certificate.der).toString('latin1')).not.toContain('evil');
  expect(issued?.chain).toHaveLength(3);
  const events = await db.auditEvent.findMany({ where: { subject: `certificate-request:${id}` } });
  expect(events.filter(({ kind }) => kind === 'domain-control-proven').map(({ detail }) => detail)).toEqual(
    expect.arrayContaining(NAMES.map((name) => ({ name }))),
  );
  expect((await logged()) - before).toBe(1);
  await revokeHeldCertificate(deps, { serialHex: certificate.serialHex, reason: 'superseded', by: keeper });
  expect(await findHeldCertificate(deps, certificate.serialHex)).toMatchObject({ status: 'revoked' });
});

test('nothing is approved while a name is not proven; the reason is told for each', async () => {
  const { id } = await ask({ dnsNames: [...NAMES, 'other.shifan-tea.cn'] });
  expect(await problemOf(approve(id))).toBe('domain-not-proven');
  await place(id, NAMES.slice(0, 1));
  web.set('other.shifan-tea.cn', new Map());
  const proofs = await look(id);
  expect(proofs.map(({ fault }) => fault)).toEqual([undefined, 'unreachable', 'not-found']);
  expect(await problemOf(approve(id))).toBe('domain-not-proven');
  expect(await requireCertificateRequest(deps, id)).toMatchObject({ status: 'requested' });
  // A system's request goes by two operators: the first is not let stand behind it either.
  const bySystem = await ask({ by: { clientId: 'a-system', organisationId: world.tea.id } });
  expect(await problemOf(approve(bySystem.id))).toBe('domain-not-proven');
  clock.advance(10_000);
  await place(id, [...NAMES, 'other.shifan-tea.cn']);
  probes.length = 0;
  await look(id);
  // What is proven is not asked again.
  expect(probes.map(({ name }) => name).sort()).toEqual(['other.shifan-tea.cn', 'shifan-tea.cn']);
  expect(await approve(id)).toMatchObject({ status: 'issued' });
});

test('rejecting needs no proof', async () => {
  const { id } = await ask();
  const rejected = await decideCertificateRequest(deps, { id, by: operator, decision: 'reject', reason: '域名不属于该单位' });
  expect(rejected.status).toBe('rejected');
  expect(await problemOf(look(id))).toBe('certificate-request-settled');
});

test('a proof holds for its key and its request: that of another proves nothing', async () => {
  const [first, second] = [await ask(), await ask()];
  const [one, other] = await Promise.all([first, second].map(({ id }) => listDomainProofs(deps, id)));
  expect(new Set([...(one ?? []), ...(other ?? [])].map(({ content }) => content)).size).toBe(4);
  expect(one?.[0]?.content.split('.')[1]).not.toBe(other?.[0]?.content.split('.')[1]);
  await place(first.id);
  expect((await look(second.id)).every(({ fault }) => fault === 'not-found')).toBe(true);
  // The path of the second answered with the text of the first: a server that echoes whatever is asked of it.
  for (const [index, { name, url }] of (other ?? []).entries())
    web.set(name, new Map([[url.split('/').at(-1) ?? '', one?.[index]?.content ?? '']]));
  clock.advance(10_000);
  expect((await look(second.id)).every(({ fault }) => fault === 'other-content')).toBe(true);
});

test('we look once in ten seconds, for who asked, and not for others', async () => {
  const { id } = await ask();
  await look(id);
  expect(await problemOf(look(id))).toBe('too-many-requests');
  clock.advance(10_000);
  const outcomes = await Promise.all([problemOf(look(id)), problemOf(look(id))]);
  expect(outcomes.sort()).toEqual(['ok', 'too-many-requests']);
  const stranger = await world.staff(world.other.id, 'seal-admin');
  expect(await problemOf(look(id, stranger))).toBe('certificate-request-not-found');
  const issuer = await world.staff(world.tea.id, 'issuer');
  expect(await problemOf(look(id, issuer))).toBe('not-allowed');
  expect(await problemOf(checkDomains(world.deps, { id, by: keeper }))).toBe('unavailable');
  clock.advance(31 * 86_400_000);
  expect(await problemOf(look(id))).toBe('certificate-request-expired');
});

test('a proof that vanished between approval and issue stops the certificate', async () => {
  const { id } = await ask();
  await place(id);
  await look(id);
  const away = { ...deps.keys, sign: () => Promise.reject(new Error('never asked')) };
  await db.certificateRequest.update({ where: { id }, data: { status: 'approved', decidedBy: 'system:test', decidedAt: clock.now() } });
  await db.domainControl.updateMany({ where: { requestId: id, name: NAMES[0] ?? '' }, data: { provenAt: null } });
  await settleCertificateRequests({ ...deps, keys: away });
  expect(await requireCertificateRequest(deps, id)).toMatchObject({ status: 'rejected' });
});

test('renewed, also with the same key, the names are proven anew and an operator decides again', async () => {
  const csr = makeCsr();
  const { id } = await ask({ csr: csr.pem });
  await place(id);
  await look(id);
  await approve(id);
  const serialHex = (await requireCertificateRequest(deps, id)).serialHex ?? '';
  clock.advance(310 * 86_400_000);
  const next = await renewCertificate(deps, { serialHex, csr: csr.pem, requestId: requestId(), by: keeper });
  expect(next.certificate).toBeUndefined();
  expect(next.request).toMatchObject({ status: 'requested', dnsNames: NAMES, renewsSerial: serialHex });
  expect(await problemOf(approve(next.request.id))).toBe('domain-not-proven');
  await place(next.request.id);
  await look(next.request.id);
  expect(await approve(next.request.id)).toMatchObject({ status: 'issued' });
});

test.each<[string, Parameters<typeof ask>[0], string]>([
  ['a server without names', { dnsNames: [] }, 'invalid-input'],
  ['a wildcard', { dnsNames: ['*.shifan-tea.cn'] }, 'invalid-input'],
  ['names for another kind', { profile: 'service-client' }, 'invalid-input'],
  ['a key that servers do not have', { csr: makeCsr({ suite: 'sm2-sm3' }).pem }, 'csr-not-acceptable'],
])('%s is refused', async (_what, more, code) => {
  expect(await problemOf(ask(more))).toBe(code);
});

test('the same request with other names is another request', async () => {
  const same = { csr: makeCsr().pem, requestId: requestId() };
  const { id } = await ask(same);
  expect((await ask(same)).id).toBe(id);
  expect(await problemOf(ask({ ...same, dnsNames: ['elsewhere.cn'] }))).toBe('request-id-taken');
});
