/** The seal maker (制章人): one SM2 key that signs seal structures, and its certificate, renewed before seals outlive it. */

import { certificateStatus, trustedCertificates } from '#certificates/find-certificates.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { OID } from '#crypto/oids.ts';
import { attributeOf } from '#pki/name.ts';
import { Problem } from '#problem.ts';
import { currentKeyName } from '#storage/key-generations.ts';
import type { SealDeps } from './seal-view.ts';

export const SEAL_MAKER_KEY = 'seal-maker-sm2';
const CERTIFICATE_DAYS = 1_826;
const DAY_MS = 86_400_000;

/**
 * The maker's certificate, good for at least `minDays`. Makes key and certificate when there is none; idempotent.
 * Throws Problem `authority-missing` before the authorities are there, `signing-refused` when the key was reported compromised.
 */
export async function prepareSealMaker(deps: SealDeps, minDays = 1): Promise<{ keyName: string; certificate: Uint8Array; validTo: Date }> {
  const { db, clock, keys } = deps;
  const needed = new Date(clock.now().getTime() + minDays * DAY_MS);
  const keyName = await currentKeyName(db, SEAL_MAKER_KEY);
  for (const row of await db.sealMaker.findMany({ where: { keyName }, orderBy: { validTo: 'desc' } })) {
    const { status, reason } = await certificateStatus(deps, row.certificateSerial);
    if (reason === 'key-compromise') {
      throw new Problem('signing-refused', {
        detail: 'The seal maker’s key was reported compromised.',
        detailZh: '制章密钥已报告泄露，不得继续使用。',
      });
    }
    if (status === 'good' && row.validTo >= needed) return row;
  }
  const key = (await keys.find(keyName)) ?? (await createKey(deps, keyName));
  const { issuing } = await trustedCertificates(deps);
  const organisation = issuing[0] ? attributeOf(issuing[0].subject, OID.organisation) : undefined;
  const { certificate } = await issueCertificate(deps, {
    profile: 'seal-maker',
    suite: 'sm2-sm3',
    subject: { commonName: '电子印章制作系统', organisation: organisation ?? 'Tongren' },
    spki: key.spki,
    days: CERTIFICATE_DAYS,
    by: 'system:seals',
  });
  return db.sealMaker.create({
    data: {
      certificateSerial: certificate.serialHex,
      keyName,
      certificate: Uint8Array.from(certificate.der),
      validTo: certificate.notAfter,
    },
  });
}

/** Of two processes that start at once, one makes it and the other finds it. */
async function createKey({ keys }: SealDeps, keyName: string) {
  try {
    return await keys.create(keyName, 'sm2-sm3', ['seal-info']);
  } catch (error) {
    const made = await keys.find(keyName);
    if (made) return made;
    throw error;
  }
}
