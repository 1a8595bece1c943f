import { randomUUID } from 'node:crypto';
import { appointStaff } from '#access/appoint-staff.ts';
import type { CertificateDeps } from '#certificates/certificate-deps.ts';
import { decideTrustEntry, proposeTrustEntry } from '#certificates/trust-list-entries.ts';
import { toPem } from '#pki/pem.ts';
import type { ForeignAuthority } from './foreign-authority.ts';

/** Two new operators take the authority into the trust list for people who sign in; answers the entry's id and one of the operators. */
export async function recogniseAuthority(
  deps: CertificateDeps,
  authority: ForeignAuthority,
  { level = 4, constraints = {} }: { level?: 3 | 4 | 5; constraints?: object } = {},
) {
  const operator = () =>
    appointStaff(deps, { personId: randomUUID(), organisationId: randomUUID(), roles: ['operator'], by: 'system:test' });
  const [first, second] = [await operator(), await operator()];
  const { id, digest } = await proposeTrustEntry(deps, {
    by: first,
    nameZh: '邻省数字证书认证中心',
    nameEn: 'Neighbour Province CA',
    certificates: toPem('CERTIFICATE', authority.root.certificate.der),
    constraints: { purposes: ['client'], signIn: { number: { in: 'identify-code' }, level }, ...constraints },
    official: false,
  });
  await decideTrustEntry(deps, { id, by: second, decision: 'approve', digest: digest ?? '' });
  return { id, operator: first };
}
