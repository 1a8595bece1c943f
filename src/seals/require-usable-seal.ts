/** Which seal an organisation may put on a licence now, with all that sealing needs. */
import { certificateStatus } from '#certificates/find-certificates.ts';
import { parseSeal } from '#documents/ses/read-seal.ts';
import { Certificate } from '#pki/certificate.ts';
import { Problem } from '#problem.ts';
import { requireSealRow } from './find-seals.ts';
import { countSealUses } from './record-seal-use.ts';
import { dailyLimitReached, requireAllowedUse, type WantedUse } from './seal-rules.ts';
import type { SealDeps, SealRow } from './seal-view.ts';

export interface UsableSeal {
  sealId: string;
  esId: string;
  name: string;
  /** SESeal, DER. */
  seal: Uint8Array;
  /** SM2, DER. */
  signerCertificate: Uint8Array;
  /** For `KeyStore.sign(…, 'seal-signature', …)`. */
  keyName: string;
  /** Document signer and issuing authority, DER, leaf first. */
  pdfCertificates: Uint8Array[];
  /** For `KeyStore.sign(…, 'cms-attributes', …)`. */
  pdfKeyName: string;
  picturePng: Uint8Array;
  widthMm: number;
  heightMm: number;
}

/**
 * An active seal within its time whose certificates, and its maker's, are good, which is meant for this licence type and may be used by
 * who asks, today. A seal made for licences goes before a special-purpose one that names the type, and both before the official one.
 * One whose day is full is not passed over for the next. Throws Problem `seal-not-usable`, `seal-use-not-allowed`, `seal-daily-limit`.
 */
export async function requireUsableSeal(
  deps: Pick<SealDeps, 'db' | 'clock'>,
  input: { organisationId: string; licenceType: string; actor: string; at: Date },
): Promise<UsableSeal> {
  const { organisationId, licenceType, actor, at } = input;
  const rows = await deps.db.seal.findMany({
    where: {
      organisationId,
      status: 'active',
      validFrom: { lte: at },
      validTo: { gt: at },
      OR: [
        { kind: { in: ['licence', 'official'] }, licenceTypes: { isEmpty: true } },
        { kind: { in: [...FOR_LICENCES] }, licenceTypes: { has: licenceType } },
      ],
    },
    orderBy: { madeAt: 'desc' },
    take: 100,
  });
  const rank = ({ kind }: SealRow) => FOR_LICENCES.indexOf(kind);
  let refusal = new Problem('seal-not-usable');
  for (const row of rows.sort((a, b) => rank(a) - rank(b))) {
    const usable = usableOf(row);
    if (!usable || !(await areCertificatesGood(deps, row, usable))) continue;
    const refused = refusalOfRules(row, { actor, licenceType, at });
    if (!refused) {
      await requireRoomToday(deps, row, at);
      return usable;
    }
    refusal = refused;
  }
  throw refusal;
}

/** In this order. */
const FOR_LICENCES: readonly string[] = ['licence', 'special', 'official'];

/**
 * This very seal, for a document that is no licence. Throws Problem `seal-not-found`, `seal-not-usable`, `seal-use-not-allowed`,
 * `seal-daily-limit`.
 */
export async function requireUsableSealById(
  deps: Pick<SealDeps, 'db' | 'clock'>,
  input: { sealId: string; organisationId: string; actor: string },
): Promise<UsableSeal> {
  const row = await requireSealRow(deps, input.sealId);
  if (row.organisationId !== input.organisationId) throw new Problem('seal-not-found');
  const at = deps.clock.now();
  requireAllowedUse(row, { actor: input.actor, licenceType: undefined, at });
  const usable = usableOf(row);
  if (!usable || !(await areCertificatesGood(deps, row, usable))) throw new Problem('seal-not-usable');
  await requireRoomToday(deps, row, at);
  return usable;
}

function refusalOfRules(row: SealRow, use: WantedUse): Problem | undefined {
  try {
    requireAllowedUse(row, use);
    return undefined;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

/** A look ahead, so that no key is used in vain; the count that decides is made with the use. */
async function requireRoomToday({ db }: Pick<SealDeps, 'db'>, row: SealRow, at: Date): Promise<void> {
  if (row.dailyLimit !== null && (await countSealUses(db, row.id, at)) >= row.dailyLimit) throw dailyLimitReached(at);
}

/** A licence under a seal whose maker was revoked would verify nowhere. */
async function areCertificatesGood(deps: Pick<SealDeps, 'db' | 'clock'>, row: SealRow, { seal }: UsableSeal): Promise<boolean> {
  const maker = new Certificate(parseSeal(seal).makerCertificate);
  const serials = [row.certificateSerial, row.pdfCertificateSerial, maker.serialHex];
  const answers = await Promise.all(serials.map(async (serialHex) => serialHex !== null && certificateStatus(deps, serialHex)));
  return answers.every((answer) => answer && answer.status === 'good');
}

function usableOf(row: SealRow): UsableSeal | undefined {
  const { esId, seal, certificate, keyName, pdfKeyName, picturePng, widthMm, heightMm } = row;
  if (!(esId && seal && certificate && keyName && pdfKeyName && picturePng && widthMm && heightMm)) return undefined;
  return {
    sealId: row.id,
    esId,
    name: row.name,
    seal,
    signerCertificate: certificate,
    keyName,
    pdfCertificates: row.pdfCertificates,
    pdfKeyName,
    picturePng,
    widthMm,
    heightMm,
  };
}
