/** One sentence for each verdict: what it means for the person who looks. */
import type { CodeVerdictWord } from '#codes/code-types.ts';
import type { SameLicence } from '#documents/same-licence.ts';
import type { FileVerdict, SignatureReport, SignatureStep, StepName, Verdict } from '#documents/verdict.ts';
import type { Words } from './reason-words.ts';

const FILE_SENTENCES: Record<Verdict, Words> = {
  malformed: { zh: '文件损坏或结构自相矛盾，不能采信。', en: 'The file is damaged or contradicts itself; do not rely on it.' },
  unsupported: { zh: '文件可以读取，但含有无法判定的签名。', en: 'Readable, but it holds a signature that cannot be judged here.' },
  altered: {
    zh: '盖章或签名之后，受保护的内容被改动过，不能采信。',
    en: 'Protected content was changed after sealing; do not rely on it.',
  },
  'not-valid': { zh: '内容未改动，但印章或签名当时无效。', en: 'Unchanged, but the seal or signature was not valid.' },
  'partly-covered': { zh: '签章有效，但部分显示的内容不受保护。', en: 'Valid, but something shown is outside every signature.' },
  'untrusted-signer': {
    zh: '内容未改动，但签署者不在本平台信任的机构之列。',
    en: 'Unchanged, but nobody trusted here vouches for the signer.',
  },
  unsigned: { zh: '文件没有任何印章或签名，无从证明来源。', en: 'Nothing proves where this file comes from.' },
  genuine: { zh: '签章有效、内容未改动；签署者不是官方签发机构。', en: 'Valid and unchanged; the signer is not an issuing office.' },
};

const PERSONAL: Words = {
  zh: '个人签名：由持证人本人的数字证书签署，签署后内容没有改动。个人签名不是官方印章。',
  en: 'A personal signature: signed with a person’s own certificate and unchanged since. It is no official seal.',
};
/** Certificates that people sign with, for themselves or for an organisation they act for. */
const PERSONAL_PROFILES: readonly string[] = ['person', 'legal-representative', 'agent'];

export function fileSentence(report: FileVerdict): Words {
  if (!report.official) return isPersonal(report) ? PERSONAL : FILE_SENTENCES[report.verdict];
  return { zh: '由本平台认可机构的印章签署，盖章后内容没有改动。', en: 'Sealed by a recognised office and unchanged since.' };
}

/** Whoever signed, signed for themselves. */
function isPersonal({ verdict, signatures }: FileVerdict): boolean {
  const made = signatures.filter(({ kind }) => kind !== 'timestamp');
  return verdict === 'genuine' && made.length > 0 && made.every(isPersonalSignature);
}

export function isPersonalSignature({ kind, signer }: SignatureReport): boolean {
  return kind === 'signature' && PERSONAL_PROFILES.includes(signer?.profile ?? '');
}

const CODE_SENTENCES: Record<CodeVerdictWord, Words> = {
  valid: {
    zh: '码真实有效，证照在有效状态。请核对照片与本人。',
    en: 'The code is good and the licence in force. Compare photo and person.',
  },
  used: { zh: '该码已经使用过。请持证人刷新后重新出示。', en: 'This code was used already. Ask the holder for a fresh one.' },
  expired: { zh: '该码已过期，可能是截屏。请持证人刷新后重新出示。', en: 'Expired, perhaps a screenshot. Ask the holder for a fresh one.' },
  'not-yet-valid': { zh: '该码的时间在未来，请检查设备时间。', en: 'The code’s time lies ahead: check the clocks.' },
  'licence-not-in-force': { zh: '码是真的，但证照目前不是有效状态。', en: 'The code is real, but the licence is not in force.' },
  'unknown-key': { zh: '不是本平台签发的码。', en: 'Not a code of this platform.' },
  forged: { zh: '签名不符，该码是伪造或被改动的。', en: 'The signature does not fit: forged or changed.' },
  malformed: { zh: '无法识别，请重新扫码或核对短号。', en: 'Cannot be read: scan again or compare the number.' },
};

export function codeSentence(verdict: CodeVerdictWord): Words {
  return CODE_SENTENCES[verdict];
}

const COVERAGES: Record<SignatureReport['coverage'], Words> = {
  'whole-file': { zh: '整个文件', en: 'The whole file' },
  'whole-revision': { zh: '签署时的整个版本', en: 'The whole file as it was when signed' },
  partial: { zh: '部分内容', en: 'Part of the file' },
};

export function coverageWords(coverage: SignatureReport['coverage']): Words {
  return COVERAGES[coverage];
}

/** `1234567` → `1.2 MB`. */
export function sizeWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

const STEPS: Record<StepName, Words> = {
  container: { zh: '文件结构', en: 'Container' },
  references: { zh: '内容摘要', en: 'Digests of the content' },
  coverage: { zh: '保护范围', en: 'Coverage' },
  'signature-value': { zh: '签名值', en: 'Signature value' },
  'seal-structure': { zh: '印章结构', en: 'Structure of the seal' },
  'maker-signature': { zh: '制章人签名', en: 'Seal maker’s signature' },
  'signer-in-seal': { zh: '签章人在印章名单内', en: 'Signer named in the seal' },
  validity: { zh: '签署时有效', en: 'Valid at the time of signing' },
  chain: { zh: '证书链', en: 'Certificate chain' },
  revocation: { zh: '吊销状态', en: 'Revocation' },
  timestamp: { zh: '时间戳', en: 'Timestamp' },
};

export function stepWords(step: StepName): Words {
  return STEPS[step];
}

const RESULTS: Record<SignatureStep['result'], Words> = {
  passed: { zh: '通过', en: 'passed' },
  failed: { zh: '未通过', en: 'failed' },
  'not-checked': { zh: '未检查', en: 'not checked' },
};

export function stepResultWords(result: SignatureStep['result']): Words {
  return RESULTS[result];
}

const SAME_LICENCE: Record<SameLicence, Words & { tone: 'good' | 'bad' | 'warn' }> = {
  same: { zh: '两份文件是同一证照', en: 'Both files are the same licence', tone: 'good' },
  different: { zh: '两份文件不是同一证照，或版本不同', en: 'Not the same licence, or another version of it', tone: 'bad' },
  'not-proven': { zh: '不能证明两份文件是同一证照', en: 'Not proven to be the same licence', tone: 'warn' },
};

export function sameLicenceWords(verdict: SameLicence): Words & { tone: 'good' | 'bad' | 'warn' } {
  return SAME_LICENCE[verdict];
}
