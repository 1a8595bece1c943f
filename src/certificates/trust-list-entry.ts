/** An entry of the trust list: what may stand in one, and how it is shown. */
import { createHash } from 'node:crypto';
import { DerError } from '#crypto/der.ts';
import { importPublicKey, UnsupportedKeyError } from '#crypto/suite.ts';
import { nameConstraintsOf } from '#pki/anchor-constraints.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { nameToString } from '#pki/name.ts';
import { parsePem } from '#pki/pem.ts';
import { faultyField } from '#problem.ts';
import type { Database } from '#storage/database.ts';
import { constraintsShape, type ListedConstraints } from './trust-list-format.ts';

export type TrustState = 'proposed' | 'rejected' | 'active' | 'suspended' | 'expired' | 'removed';

export type TrustRow = NonNullable<Awaited<ReturnType<Database['trustEntry']['findUnique']>>>;

export interface TrustEntryView {
  id: string;
  nameZh: string;
  nameEn: string;
  /** Distinguished name and SHA-256 of the anchor, its algorithm. */
  subject: string;
  fingerprint: string;
  suite: string;
  /** PEM: the anchor first. */
  certificates: string;
  constraints: ListedConstraints;
  official: boolean;
  /** As of now: an entry whose time is over is expired, whatever its row still says. */
  state: TrustState;
  validFrom: Date;
  validUntil: Date;
  importedBy: string;
  importedAt: Date;
  approvedBy?: string;
  approvedAt?: Date;
  /** What waits for a second operator: importing, or resuming after a suspension. */
  waitingFor?: 'import' | 'resume';
  /** Hex digest of what waits, to be sent back with the decision. */
  digest?: string;
  reason?: string;
}

const MAX_PEM_CHARACTERS = 100_000;
const MAX_CERTIFICATES = 10;
/** What can make a document official is asked of these uses only. */
const OFFICIAL_PURPOSES: readonly string[] = ['seal', 'document-signing', 'timestamp'];

export interface ReadAnchor {
  anchor: Certificate;
  /** Help to build paths. */
  extra: Certificate[];
  /** As stored: only the certificates, each once. */
  ders: Uint8Array[];
}

/** Certificates for an entry from PEM text. Throws Problem `invalid-input`. */
export function readEntryCertificates(pem: string, now: Date): ReadAnchor {
  const fault = (en: string, zh: string) => faultyField('/certificates', en, zh);
  if (pem.length > MAX_PEM_CHARACTERS) throw fault('Too long.', '内容过长。');
  const certificates = parsed(pem, fault);
  const [anchor, ...extra] = certificates;
  if (!anchor) throw fault('No certificate (PEM) in it.', '其中没有 PEM 证书。');
  if (certificates.length > MAX_CERTIFICATES) throw fault('Too many certificates.', '证书过多。');
  if (certificates.some(({ basicConstraints }) => !basicConstraints?.ca))
    throw fault('Not the certificate of an authority.', '不是 CA 证书。');
  if (anchor.keyUsage && !anchor.keyUsage.has('key-cert-sign'))
    throw fault('The authority may not sign certificates.', '该 CA 无签发证书权限。');
  if (anchor.notAfter <= now) throw fault('The authority’s certificate has expired.', 'CA 证书已过期。');
  if (suiteOf(anchor) === '') throw fault('An algorithm that is not supported.', '不支持的算法。');
  return { anchor, extra, ders: certificates.map(({ der }) => der) };
}

function parsed(pem: string, fault: (en: string, zh: string) => Error): Certificate[] {
  try {
    return parsePem(pem, 'CERTIFICATE').map((der) => parseCertificate(der));
  } catch (error) {
    if (error instanceof DerError) throw fault('A certificate cannot be read.', '证书无法读取。');
    throw error;
  }
}

/** `sm2-sm3`, `es256`, `rs256` …; empty when we cannot check its signatures. */
export function suiteOf(certificate: Certificate): string {
  try {
    return importPublicKey(certificate.spki).suite;
  } catch (error) {
    if (error instanceof UnsupportedKeyError) return '';
    throw error;
  }
}

/** Throws Problem `invalid-input` for constraints that cannot be enforced. */
export function readConstraints(value: unknown, official: boolean): ListedConstraints {
  const read = constraintsShape.safeParse(value);
  if (!read.success) {
    const [issue] = read.error.issues;
    if (issue?.path.join('/') === 'purposes')
      throw faultyField(
        '/constraints/purposes',
        'Name what the authority is taken for, at least one purpose.',
        '请至少选择一种认可的用途。',
      );
    throw faultyField(`/constraints/${issue?.path.join('/') ?? ''}`, issue?.message ?? 'Not readable.', '约束条件不正确。');
  }
  if (official && read.data.purposes.some((purpose) => !OFFICIAL_PURPOSES.includes(purpose)))
    throw faultyField(
      '/constraints/purposes',
      'Official entries are for seals, documents and timestamps only.',
      '官方条目只能用于印章、文件签名和时间戳。',
    );
  if (read.data.signIn && !read.data.purposes.includes('client'))
    throw faultyField(
      '/constraints/purposes',
      'People sign in only where the purpose is client.',
      '用于个人登录的条目须包含“客户端”用途。',
    );
  try {
    nameConstraintsOf(namesOf(read.data));
  } catch (error) {
    if (error instanceof DerError) throw faultyField('/constraints/permittedNames', error.message, '名称约束不正确。');
    throw error;
  }
  return read.data;
}

/** Without the members that are absent: what `AnchorConstraints` asks for. */
export function namesOf({ permittedNames, excludedNames }: ListedConstraints) {
  return { ...(permittedNames ? { permittedNames } : {}), ...(excludedNames ? { excludedNames } : {}) };
}

/** What the second operator approves: everything that the entry will do. */
export function payloadOf(row: TrustRow, action: 'import' | 'resume') {
  const { id, nameZh, nameEn, certificates, fingerprint, constraints, official, validFrom, validUntil } = row;
  const sha256 = createHash('sha256').update(certificates).digest('hex');
  const dates = { validFrom: validFrom.toISOString(), validUntil: validUntil.toISOString() };
  return { action, id, nameZh, nameEn, certificates: sha256, fingerprint, constraints: constraints as object, official, ...dates };
}

export function isOver(row: Pick<TrustRow, 'validUntil'>, at: Date): boolean {
  return row.validUntil <= at;
}

/** @param digest of the approval that waits. */
export function trustEntryView(row: TrustRow, at: Date, digest?: string): TrustEntryView {
  const [first] = parsePem(row.certificates, 'CERTIFICATE');
  const anchor = parseCertificate(first ?? new Uint8Array());
  const state = row.state as TrustState;
  const isLiving = state === 'active' || state === 'suspended';
  return {
    id: row.id,
    nameZh: row.nameZh,
    nameEn: row.nameEn,
    subject: nameToString(anchor.subject),
    fingerprint: row.fingerprint,
    suite: suiteOf(anchor),
    certificates: row.certificates,
    constraints: constraintsShape.parse(row.constraints),
    official: row.official,
    state: isLiving && isOver(row, at) ? 'expired' : state,
    validFrom: row.validFrom,
    validUntil: row.validUntil,
    importedBy: row.importedBy,
    importedAt: row.importedAt,
    ...(row.approvedBy ? { approvedBy: row.approvedBy } : {}),
    ...(row.approvedAt ? { approvedAt: row.approvedAt } : {}),
    ...(row.approvalId && digest ? { waitingFor: state === 'proposed' ? ('import' as const) : ('resume' as const), digest } : {}),
    ...(row.reason ? { reason: row.reason } : {}),
  };
}
