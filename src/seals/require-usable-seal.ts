/** Which seal an organisation may put on a licence now, with all that sealing needs. */
import { certificateStatus } from '#certificates/find-certificates.ts';
import { parseSeal } from '#documents/ses/read-seal.ts';
import { Certificate } from '#pki/certificate.ts';
import { Problem } from '#problem.ts';
import { requireSealRow } from './find-seals.ts';
import { sealStatusAt } from './seal-status.ts';
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
 * An active seal within its time whose certificates, and its maker's, are good and which is meant for this licence type. A seal made for
 * licences goes before the official one. Throws Problem `seal-not-usable`.
 */
export async function requireUsableSeal(
  deps: Pick<SealDeps, 'db' | 'clock'>,
  input: { organisationId: string; licenceType: string; at: Date },
): Promise<UsableSeal> {
  const rows = await deps.db.seal.findMany({
    where: {
      organisationId: input.organisationId,
      status: 'active',
      kind: { in: ['licence', 'official'] },
      validFrom: { lte: input.at },
      validTo: { gt: input.at },
      OR: [{ licenceTypes: { isEmpty: true } }, { licenceTypes: { has: input.licenceType } }],
    },
    orderBy: [{ kind: 'asc' }, { madeAt: 'desc' }],
    take: 10,
  });
  for (const row of rows) {
    const usable = usableOf(row);
    if (usable && (await areCertificatesGood(deps, row, usable))) return usable;
  }
  throw new Problem('seal-not-usable');
}

/** This very seal, whatever it is for. Throws Problem `seal-not-found`, `seal-not-usable`. */
export async function requireUsableSealById(
  deps: Pick<SealDeps, 'db' | 'clock'>,
  input: { sealId: string; organisationId: string },
): Promise<UsableSeal> {
  const row = await requireSealRow(deps, input.sealId);
  if (row.organisationId !== input.organisationId) throw new Problem('seal-not-found');
  const isActive = sealStatusAt(row, deps.clock.now()) === 'active';
  const usable = isActive ? usableOf(row) : undefined;
  if (!usable || !(await areCertificatesGood(deps, row, usable))) throw new Problem('seal-not-usable');
  return usable;
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
