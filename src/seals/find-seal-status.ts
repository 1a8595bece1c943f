/** The public answer to "is this seal good, and was it then": by its number, without a name, for anybody who verifies a document. */
import { Problem } from '#problem.ts';
import { sealStatusAt } from './seal-status.ts';
import type { SealDeps } from './seal-view.ts';

export const PUBLIC_SEAL_STATUSES = ['not-in-use', 'valid', 'suspended', 'expired', 'replaced', 'destroyed'] as const;

export interface PublicSealStatus {
  esId: string;
  status: (typeof PUBLIC_SEAL_STATUSES)[number];
  /** Since when, as of `at`. */
  since: Date;
  /** The instant the answer is about. */
  at: Date;
  validFrom: Date;
  validTo: Date;
  /** Number of the seal that took its place. */
  replacedBy?: string;
}

const WORDS: Record<string, PublicSealStatus['status']> = {
  made: 'not-in-use',
  active: 'valid',
  suspended: 'suspended',
  expired: 'expired',
  replaced: 'replaced',
  destroyed: 'destroyed',
};

/**
 * @param input.at not later than now; default now.
 * Throws Problem `seal-not-found` for a number not given to a seal, and for a time before it was made; `invalid-input` (/at).
 */
export async function findSealStatus(
  deps: Pick<SealDeps, 'db' | 'clock'>,
  input: { esId: string; at?: Date | undefined },
): Promise<PublicSealStatus> {
  const now = deps.clock.now();
  const at = input.at ?? now;
  if (at > now) {
    const errors = [{ pointer: '/at', detail: 'Lies in the future.', detailZh: '时间不能晚于当前时间。' }];
    throw new Problem('invalid-input', { errors });
  }
  const row = /^\d{14}$/.test(input.esId)
    ? await deps.db.seal.findUnique({
        where: { esId: input.esId },
        select: { id: true, validFrom: true, validTo: true, changes: { orderBy: [{ at: 'asc' }, { id: 'asc' }] } },
      })
    : null;
  const last = row?.changes.filter((change) => change.to !== 'rules' && change.at <= at).at(-1);
  const { validFrom, validTo } = row ?? {};
  if (!row || !last || !validFrom || !validTo) throw new Problem('seal-not-found');
  const word = sealStatusAt({ status: last.to, validTo }, at);
  const status = WORDS[word];
  if (status === undefined) throw new Problem('seal-not-found');
  const next =
    status === 'replaced'
      ? await deps.db.seal.findFirst({
          where: { replacesId: row.id, status: { not: 'made' }, madeAt: { not: null } },
          select: { esId: true },
        })
      : null;
  const since = word === 'expired' ? validTo : last.at;
  return { esId: input.esId, status, since, at, validFrom, validTo, ...(next?.esId ? { replacedBy: next.esId } : {}) };
}

/** Of the seal this certificate belongs to, now; undefined when it belongs to none of ours. For certificates that were verified. */
export async function findSealStatusOfCertificate(
  deps: Pick<SealDeps, 'db' | 'clock'>,
  serialHex: string,
): Promise<PublicSealStatus | undefined> {
  const row = await deps.db.seal.findFirst({
    where: { madeAt: { not: null }, OR: [{ certificateSerial: serialHex }, { pdfCertificateSerial: serialHex }] },
    select: { esId: true },
  });
  return row?.esId ? findSealStatus(deps, { esId: row.esId }) : undefined;
}
