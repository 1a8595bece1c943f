import type { Certificate } from '#pki/certificate.ts';
import { isRoot, listAuthorities } from './authorities.ts';
import type { EnrolDeps } from './enrolment.ts';

export interface DeviceAuthorities {
  roots: Certificate[];
  /** Those that certify devices, and those that did while what they issued may still live. */
  issuing: Certificate[];
}

/** Whom a device trusts, and by whom it is certified; P-256, as devices have it. */
export async function deviceAuthorities(deps: Pick<EnrolDeps, 'db'>): Promise<DeviceAuthorities> {
  const ours = (await listAuthorities(deps)).filter(({ suite }) => suite === 'es256');
  const issuing = ours.filter(({ area }) => area === 'devices' || area === 'general');
  return { roots: ours.filter(isRoot).map(({ certificate }) => certificate), issuing: issuing.map(({ certificate }) => certificate) };
}
