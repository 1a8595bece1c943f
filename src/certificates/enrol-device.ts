/**
 * Devices enrol and renew by themselves (the core of EST, RFC 7030 §4.2). The first time a one-time token says who asks; later the
 * present certificate does, by the TLS connection or by the request's own signature with its key.
 */
import { findStaff } from '#access/find-staff.ts';
import { requireRole } from '#access/require-role.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import { recordEvent } from '#audit/record-event.ts';
import { encodePfx } from '#crypto/pfx.ts';
import { digest, generateKeyPair, importPrivateKey } from '#crypto/suite.ts';
import { findOrganisation } from '#people/organisations.ts';
import type { Certificate } from '#pki/certificate.ts';
import { type Csr, parseCsr } from '#pki/csr.ts';
import { encodeCsr } from '#pki/encode-csr.ts';
import { namesEqual } from '#pki/name.ts';
import { PROFILES, type ProfileName } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import { type Device, requireDevice } from './devices.ts';
import type { EnrolDeps, RequestRow } from './enrolment.ts';
import { statusAt } from './enrolment.ts';
import { bindEnrolmentToken, findEnrolmentToken } from './enrolment-token.ts';
import { requireStrongPassword } from './export-pkcs12.ts';
import { findHeldCertificate, type HeldCertificate } from './held-certificates.ts';
import type { CertificateSubject } from './issue-certificate.ts';
import { issueRequested } from './issue-requested.ts';
import { requireRenewable } from './renew-certificate.ts';
import { type Submission, submitRequest } from './submit-request.ts';

export const DEVICE_PROFILE: ProfileName = 'device';
/** How long a device waits before it asks again whether it was approved. */
const RETRY_SECONDS = 300;

export type DeviceEnrolment =
  | { status: 'issued'; certificate: Certificate; chain: Certificate[] }
  /** A second operator has to decide; the same request sent again later is answered. */
  | { status: 'pending'; retryAfterSeconds: number };

/** Throws Problem `csr-not-acceptable`, `enrolment-token-refused`, `not-allowed` (rejected), and as `submitRequest`. */
export async function enrolDevice(
  deps: EnrolDeps,
  input: { username: string; token: string; csr: string | Uint8Array },
): Promise<DeviceEnrolment> {
  const csr = parseCsr(input.csr);
  const keyDigest = keyDigestOf(csr);
  const { device, tokenId } = await findEnrolmentToken(deps, { ...input, keyDigest });
  const requestId = `est-${tokenId.replaceAll('-', '')}-${Buffer.from(keyDigest).toString('hex').slice(0, 24)}`;
  const at = deps.clock.now();
  return submit(deps, device, { csr, requestId, alongside: (tx) => bindEnrolmentToken(tx, { tokenId, keyDigest, at }) });
}

/**
 * The next certificate of a device. @param presented what the TLS connection proved; without it the request must be signed with
 * the key of the present certificate. Subject as RFC 7030 §4.2.2 demands: that of the present certificate.
 * Throws Problem `enrolment-token-refused` when nothing says who asks, `certificate-not-renewable`, `csr-not-acceptable`.
 */
export async function reenrolDevice(
  deps: EnrolDeps,
  input: { csr: string | Uint8Array; presented?: Certificate | undefined },
): Promise<DeviceEnrolment> {
  const csr = parseCsr(input.csr);
  const held = await findPresent(deps, csr, input.presented);
  if (held?.holder.kind !== 'device' || held.status !== 'good') throw new Problem('enrolment-token-refused');
  const device = await requireDevice(deps, held.holder.deviceId);
  if (device.retiredAt) throw new Problem('enrolment-token-refused');
  if (!namesEqual(csr.subject, held.certificate.subject)) {
    throw new Problem('csr-not-acceptable', {
      detail: 'To re-enrol, the request names the same subject as the present certificate (RFC 7030 §4.2.2).',
      detailZh: '续期请求中的主体名称应与现有证书一致（RFC 7030 4.2.2）。',
    });
  }
  const requestId = `re-${held.serialHex.slice(0, 32)}-${Buffer.from(keyDigestOf(csr)).toString('hex').slice(0, 24)}`;
  await requireRenewable(deps, held, actorOf(device), requestId);
  return submit(deps, device, { csr, requestId, renewsSerial: held.serialHex });
}

/**
 * A certificate with a key that we make, as PKCS#12, for a device that cannot make a request: handed over once, the key is nowhere
 * else. Throws Problem `not-allowed` (no operator; retired; or a second operator has to decide, which takes a request of the device's
 * own), `pfx-password-too-weak`, and as `submitRequest`.
 */
export async function issueDeviceKeyFile(
  deps: EnrolDeps,
  input: { deviceId: string; by: Staff; password: string },
): Promise<{ pfx: Uint8Array; certificate: Certificate }> {
  const { personId, organisationId } = input.by;
  const by = await requireRole(deps, { personId, organisationId, role: 'operator' });
  const device = await requireDevice(deps, input.deviceId);
  if (device.retiredAt || device.needsApproval || !PROFILES[DEVICE_PROFILE].exportable) throw new Problem('not-allowed');
  requireStrongPassword(input.password);
  const { pkcs8 } = generateKeyPair('es256');
  try {
    const csr = parseCsr(encodeCsr(importPrivateKey(pkcs8)));
    const requestId = `file-${Buffer.from(keyDigestOf(csr)).toString('hex').slice(0, 32)}`;
    const done = await submit(deps, device, { csr, requestId });
    if (done.status !== 'issued') throw new Problem('not-allowed');
    const { certificate, chain } = done;
    const detail = { device: device.id };
    const subject = `certificate:${certificate.serialHex}`;
    const at = deps.clock.now();
    await deps.db.$transaction((tx) => recordEvent(tx, { kind: 'device-key-file-made', actor: staffActor(by), subject, detail, at }));
    const der = chain.map((one) => one.der);
    return { certificate, pfx: await encodePfx({ pkcs8, chain: der, password: input.password, friendlyName: device.serialNumber }) };
  } finally {
    pkcs8.fill(0);
  }
}

const actorOf = (device: Device) => `device:${device.id}`;
const keyDigestOf = (csr: Csr) => Uint8Array.from(digest('sha256', csr.spki));

async function findPresent(deps: EnrolDeps, csr: Csr, presented: Certificate | undefined): Promise<HeldCertificate | undefined> {
  if (presented) {
    const held = await findHeldCertificate(deps, presented.serialHex);
    if (held?.holder.kind === 'device' && Buffer.compare(held.certificate.der, presented.der) === 0) return held;
    // Somebody else's, for example that of a gateway between: the request itself has to tell.
  }
  const rows = await deps.db.certificateRequest.findMany({
    where: { keyDigest: keyDigestOf(csr), status: 'issued', deviceId: { not: null } },
    orderBy: { id: 'desc' },
    take: 5,
  });
  const held = await Promise.all(rows.map(({ serialHex }) => findHeldCertificate(deps, serialHex ?? '')));
  // The oldest that still can be renewed, or was by this very request.
  return held.find((one) => one?.renewable) ?? held.findLast((one) => one?.status === 'good');
}

type Asked = Pick<Submission, 'csr' | 'requestId' | 'renewsSerial' | 'alongside'>;

async function submit(deps: EnrolDeps, device: Device, asked: Asked): Promise<DeviceEnrolment> {
  const submission: Submission = {
    ...asked,
    by: actorOf(device),
    holder: { kind: 'device', deviceId: device.id, organisationId: device.organisationId },
    profile: DEVICE_PROFILE,
    subject: await deviceSubject(deps, device),
    ...(await standing(deps, device)),
  };
  return answer(deps, await submitRequest(deps, submission), actorOf(device));
}

/** Who registered the device stands for it: as the only one, or as the first of two. When that one left, two operators decide. */
async function standing(deps: EnrolDeps, { needsApproval, registeredBy }: Device): Promise<Pick<Submission, 'staff' | 'approvedBy'>> {
  if (!needsApproval) return { approvedBy: staffActor({ id: registeredBy }) };
  const staff = await findStaff(deps, registeredBy);
  return staff ? { staff } : {};
}

async function answer(deps: EnrolDeps, row: RequestRow, by: string): Promise<DeviceEnrolment> {
  const status = statusAt(row, deps.clock.now());
  if (status === 'requested') return { status: 'pending', retryAfterSeconds: RETRY_SECONDS };
  if (status === 'approved' || status === 'issued') return { status: 'issued', ...(await issueRequested(deps, row, by)) };
  throw new Problem('not-allowed', { detail: 'The request was rejected or has expired.', detailZh: '该申请已被驳回或已过期。' });
}

async function deviceSubject(deps: EnrolDeps, device: Device): Promise<CertificateSubject> {
  const organisation = await findOrganisation(deps, device.organisationId);
  if (!organisation) throw new Problem('organisation-not-found');
  return { commonName: device.serialNumber, organisation: organisation.name, organisationalUnit: device.name };
}
