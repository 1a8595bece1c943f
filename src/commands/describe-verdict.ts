import { describeReason } from '#documents/reason-words.ts';
import type { LicenceComparison, SameLicence } from '#documents/same-licence.ts';
import type { FileVerdict, Verdict } from '#documents/verdict.ts';

const SENTENCES: Record<Verdict, string> = {
  malformed: 'The file cannot be read safely. / 文件无法安全读取。',
  unsupported: 'A signature is of a kind that cannot be judged here. / 含有无法判定的签名类型。',
  altered: 'The file was changed after it was signed. / 文件在签署后被改动。',
  'not-valid': 'The signature or seal was not valid. / 签名或印章无效。',
  'partly-covered': 'Valid, but part of what is shown is outside every signature. / 签名有效，但部分显示内容未受签名保护。',
  'untrusted-signer': 'Intact, but no trusted authority vouches for the signer. / 文件完整，但签署者不受信任。',
  unsigned: 'The file carries no signature. / 文件没有签名。',
  genuine: 'Genuine: whole, unchanged, signer trusted. / 真实有效：内容完整未改动，签署者可信。',
};

/** The report as lines for a person at a terminal. */
export function describeVerdict(report: FileVerdict): string {
  const lines = [
    `${report.file?.name ?? ''}: ${report.verdict}${report.official ? ' (official / 官方签发)' : ''}`,
    `  ${SENTENCES[report.verdict]}`,
  ];
  for (const reason of report.reasons) lines.push(`  - ${sentenceOf(reason)}`);
  for (const signature of report.signatures) {
    const who = [signature.signer?.organisation, signature.signer?.subject].filter(Boolean).join(' — ') || 'unknown signer / 未知签署者';
    lines.push(
      `  ${signature.index + 1}. ${signature.kind} ${signature.form ?? ''} ${signature.suite ?? ''}: ${signature.verdict}`,
      `     ${who}`,
    );
    if (signature.seal) lines.push(`     seal / 印章: ${signature.seal.name} (${signature.seal.id})`);
    const { proven, claimed } = signature.time;
    if (proven ?? claimed) lines.push(`     ${proven ? 'proven time / 可信时间' : 'claimed time / 声称时间'}: ${proven ?? claimed}`);
    const { indication, subIndication } = signature;
    if (indication) lines.push(`     EN 319 102-1: ${[indication, subIndication].filter(Boolean).join(' / ')}`);
    for (const reason of signature.reasons) lines.push(`     - ${sentenceOf(reason)}`);
    if (signature.uncovered.length) lines.push(`     not covered / 未覆盖: ${signature.uncovered.join(', ')}`);
  }
  if (report.licence) lines.push(`  licence / 证照 ${report.licence.identifier}: ${report.licence.status} (${report.licence.asOf})`);
  return lines.join('\n');
}

const COMPARISONS: Record<SameLicence, string> = {
  same: 'One licence: the files agree in identifier and data. / 同一证照：证照标识和数据一致。',
  different: 'Not the same licence. / 并非同一证照。',
  'not-proven': 'Whether they show one licence is not proven. / 无法证明是否为同一证照。',
};

/** Whether several files show one licence, as lines for a person. */
export function describeComparison({ verdict, reasons }: LicenceComparison): string {
  return [COMPARISONS[verdict], ...reasons.map((reason) => `  - ${sentenceOf(reason)}`)].join('\n');
}

/** The reason's words with its code, which stays the same in every version. */
function sentenceOf(code: string): string {
  const words = describeReason(code);
  return words ? `${words.en} / ${words.zh} [${code}]` : code;
}
