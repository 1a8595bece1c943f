/** The minutes of a ceremony, for those who stood by to compare and sign: JSON for programs, text in both languages for people. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface Transcript {
  /** `take-offline`: the roots were online until now. */
  act: 'init' | 'take-offline';
  at: string;
  participants: string[];
  shareSet: string;
  threshold: number;
  shares: number;
  authorities: {
    keyName: string;
    area: string;
    suite: string;
    state: string;
    subject: string;
    serial: string;
    notBefore: string;
    notAfter: string;
    /** SHA-256 of the certificate, hexadecimal. */
    fingerprint: string;
  }[];
  /** Digest empty for shares. */
  files: { name: string; sha256: string }[];
}

/** Writes `transcript.json` and `transcript.txt`. */
export async function writeTranscript(folder: string, transcript: Transcript): Promise<void> {
  await writeFile(join(folder, 'transcript.json'), `${JSON.stringify(transcript, null, 2)}\n`, { flag: 'wx' });
  await writeFile(join(folder, 'transcript.txt'), asText(transcript), { flag: 'wx' });
}

function asText(transcript: Transcript): string {
  const { at, participants, shareSet, threshold, shares, authorities, files } = transcript;
  const signers = participants.length > 0 ? participants : ['', '', ''];
  return [
    '通认 根密钥仪式记录 / Tongren root key ceremony',
    '',
    `时间 / Time: ${at}`,
    `份额 / Shares: set ${shareSet}, ${shares} 份，任意 ${threshold} 份可恢复 / ${threshold} of ${shares} restore the roots`,
    '',
    '证书 / Certificates',
    ...authorities.flatMap(({ keyName, subject, serial, notBefore, notAfter, fingerprint }) => [
      `  ${keyName}: ${subject}`,
      `    ${serial}, ${notBefore.slice(0, 10)} – ${notAfter.slice(0, 10)}`,
      `    SHA-256 ${fingerprint.match(/.{1,4}/g)?.join(' ') ?? ''}`,
    ]),
    '',
    '文件 / Files',
    ...files.map(({ name, sha256 }) => `  ${name}${sha256 ? `  SHA-256 ${sha256}` : ''}`),
    '',
    '已核对 / Compared and found true',
    ...signers.map((name) => `  ${name.padEnd(24, ' ')} ______________________  ____-__-__`),
    '',
  ].join('\n');
}
