/** The next certificate for the same holder, before the present one ends: with the same key or with a new one. */
import { canonicalJson } from '#access/approval.ts';
import { type Csr, parseCsr } from '#pki/csr.ts';
import { Problem } from '#problem.ts';
import { actingOf, requireActing } from './acting.ts';
import { serverSubject } from './domain-names.ts';
import { type CertificateRequestView, type EnrolDeps, type RequestRow, requestViewOf } from './enrolment.ts';
import { findHeldCertificate, type HeldCertificate } from './held-certificates.ts';
import { type IssuedToHolder, issueRequested, organisationSubject } from './issue-requested.ts';
import { type OrganisationParty, requireOrganisationParty } from './request-organisation-certificate.ts';
import { type PersonSession, requireCertain } from './request-person-certificate.ts';
import { submitRequest } from './submit-request.ts';

export type RenewingParty = { personId: string; session: PersonSession } | OrganisationParty;

export interface RenewCertificateInput {
  /** The certificate that is to be followed. */
  serialHex: string;
  csr: string | Uint8Array;
  requestId: string;
  by: RenewingParty;
}

export type Renewal = { request: CertificateRequestView } & Partial<IssuedToHolder>;

/**
 * A person gets the certificate at once. An organisation does when the key is the same, which its signature on the request proves
 * again, and nothing in the register changed; else the request goes to the operators and no certificate is answered. The old
 * certificate stays good until it ends. Throws Problem `certificate-not-found` (also for those of others),
 * `certificate-not-renewable`, and as requesting one does.
 */
export async function renewCertificate(deps: EnrolDeps, input: RenewCertificateInput): Promise<Renewal> {
  const csr = parseCsr(input.csr);
  const held = await findHeldCertificate(deps, input.serialHex);
  const { by } = input;
  if ('session' in by) return renewPersons(deps, input, csr, held, by);
  if (held?.holder.kind !== 'organisation' || held.holder.organisationId !== by.organisationId) throw new Problem('certificate-not-found');
  const { actor, staff } = await requireOrganisationParty(deps, by);
  const own = await organisationSubject(deps, by.organisationId);
  const { dnsNames = [] } = (await deps.db.certificateRequest.findUnique({ where: { serialHex: held.serialHex } })) ?? {};
  const isServer = dnsNames.length > 0;
  const subject = isServer ? serverSubject(own, dnsNames) : own;
  // Names on the network change hands: their control is proven again, and operators look again.
  const unchanged = !isServer && isSameKey(csr, held) && (await hadSubject(deps, held.serialHex, subject));
  const row = await submitRequest(deps, {
    ...renewalOf(await requireRenewable(deps, held, actor, input.requestId), csr, input.requestId, actor),
    subject,
    ...(isServer ? { dnsNames } : {}),
    ...(unchanged ? { approvedBy: 'system:renewal' } : staff ? { staff } : {}),
  });
  return unchanged ? issueAndAnswer(deps, row, actor) : { request: requestViewOf(row, deps.clock.now()) };
}

async function renewPersons(
  deps: EnrolDeps,
  input: RenewCertificateInput,
  csr: Csr,
  held: HeldCertificate | undefined,
  { personId, session }: { personId: string; session: PersonSession },
): Promise<Renewal> {
  if (held?.holder.kind !== 'person' || held.holder.personId !== personId) throw new Problem('certificate-not-found');
  await requireCertain(deps, personId, session);
  const actor = `person:${personId}`;
  const present = await requireRenewable(deps, held, actor, input.requestId);
  const before = await deps.db.certificateRequest.findUnique({ where: { serialHex: held.serialHex } });
  const acting = before ? actingOf(before) : undefined;
  if (acting) await deps.db.$transaction((tx) => requireActing(tx, { acting, personId, at: deps.clock.now() }));
  const row = await submitRequest(deps, {
    ...renewalOf(present, csr, input.requestId, actor),
    ...(acting ? { acting, subject: await organisationSubject(deps, acting.organisationId) } : {}),
    approvedBy: 'system:renewal',
  });
  return issueAndAnswer(deps, row, actor);
}

function renewalOf({ holder, profile, serialHex }: HeldCertificate, csr: Csr, requestId: string, by: string) {
  return { requestId, by, holder, profile, csr, renewsSerial: serialHex };
}

/** The same request sent again finds its certificate, although by then something follows the old one. */
export async function requireRenewable(deps: EnrolDeps, held: HeldCertificate, by: string, requestId: string): Promise<HeldCertificate> {
  if (held.renewable) return held;
  const again = await deps.db.certificateRequest.findUnique({ where: { requestedBy_requestId: { requestedBy: by, requestId } } });
  if (again?.renewsSerial !== held.serialHex) throw new Problem('certificate-not-renewable');
  return held;
}

export async function issueAndAnswer(deps: EnrolDeps, row: RequestRow, by: string): Promise<Renewal & IssuedToHolder> {
  const issued = await issueRequested(deps, row, by);
  const after = await deps.db.certificateRequest.findUniqueOrThrow({ where: { id: row.id } });
  return { ...issued, request: requestViewOf(after, deps.clock.now()) };
}

export function isSameKey(csr: Csr, held: HeldCertificate): boolean {
  return Buffer.compare(csr.spki, held.certificate.spki) === 0;
}

async function hadSubject(deps: EnrolDeps, serialHex: string, subject: unknown): Promise<boolean> {
  const row = await deps.db.certificateRequest.findUnique({ where: { serialHex }, select: { subject: true } });
  return row !== null && canonicalJson(row.subject) === canonicalJson(subject);
}
