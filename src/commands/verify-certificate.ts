/** `tongren verify-certificate`: is there a valid path from a certificate to an anchor, and if not, what is wrong with which certificate. */
import { dataDirOf, readInstalledTrust, trustWithList } from '#edge/installation.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import type { CertificateRules } from '#pki/certificate-rules.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import type { Purpose } from '#pki/judge-purpose.ts';
import { type BasicOcspResponse, parseOcspResponse } from '#pki/ocsp-response.ts';
import { type PathReport, reportOfPath } from '#pki/path-report.ts';
import { readPeerName } from '#pki/peer-name.ts';
import { validatePath } from '#pki/validate-path.ts';
import { fileFault } from './file-fault.ts';
import { type ReadFiles, readStructures } from './read-pki-files.ts';

export interface VerifyCertificateOptions {
  intermediates: string[];
  trust: string[];
  crl: string[];
  ocsp: string[];
  at?: Date;
  purpose?: Purpose;
  policy: string[];
  explicitPolicy?: boolean;
  inhibitPolicyMapping?: boolean;
  inhibitAnyPolicy?: boolean;
  host?: string;
  rules?: CertificateRules;
  maxAgeHours?: number;
  /** Undefined: when lists or answers were given, for the leaf and for those of whose issuer there is a list. */
  requireRevocation?: boolean;
  acceptWeak?: boolean;
  json?: boolean;
}

const EXIT = { valid: 0, invalid: 1, unreadable: 2, wrongUse: 3 } as const;
const UNREADABLE: PathReport = { verdict: 'invalid', path: [], reasons: ['certificate-unreadable'], findings: [], policies: [] };

/** Prints the verdict and returns the exit code. */
export function verifyCertificate(path: string, options: VerifyCertificateOptions): number {
  let files: PkiFiles;
  try {
    files = readFiles(path, options);
  } catch (error) {
    console.error(fileFault(error));
    return EXIT.wrongUse;
  }
  for (const file of files.unreadable)
    console.error(`${file}: something in it cannot be read and takes no part. / 其中有无法读取的内容，已忽略。`);
  const [leaf, ...others] = files.leaf.found;
  if (!leaf) {
    console.log(
      options.json
        ? JSON.stringify(UNREADABLE, null, 2)
        : `invalid / 无效\n${path} holds no certificate that can be read. / 文件中没有可读取的证书。`,
    );
    return EXIT.unreadable;
  }
  const report = judge(leaf, others, files, options);
  console.log(options.json ? JSON.stringify(report, null, 2) : describe(report));
  return report.verdict === 'valid' ? EXIT.valid : EXIT.invalid;
}

interface PkiFiles {
  leaf: ReadFiles<Certificate>;
  intermediates: Certificate[];
  trust: Certificate[];
  crls: Crl[];
  ocspResponses: BasicOcspResponse[];
  unreadable: string[];
}

function readFiles(path: string, options: VerifyCertificateOptions): PkiFiles {
  const certificates = (paths: string[]) =>
    readStructures(paths, parseCertificate, ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']);
  const intermediates = certificates(options.intermediates);
  const trust = certificates(options.trust);
  const crls = readStructures(options.crl, parseCrl, ['X509 CRL']);
  const answers = readStructures(options.ocsp, parseOcspResponse, ['OCSP RESPONSE']);
  return {
    leaf: certificates([path]),
    intermediates: intermediates.found,
    trust: trust.found,
    crls: crls.found,
    ocspResponses: answers.found.flatMap((answer) => (answer.status === 'successful' ? [answer.basic] : [])),
    unreadable: [...intermediates.unreadable, ...trust.unreadable, ...crls.unreadable, ...answers.unreadable],
  };
}

function judge(leaf: Certificate, others: readonly Certificate[], files: PkiFiles, options: VerifyCertificateOptions): PathReport {
  const installed = readInstalledTrust(dataDirOf(process.env));
  const at = options.at ?? new Date();
  const known = trustWithList(installed, at);
  const { policy, explicitPolicy, inhibitPolicyMapping, inhibitAnyPolicy, host, maxAgeHours } = options;
  const asked = options.crl.length + options.ocsp.length > 0;
  const result = validatePath({
    leaf,
    intermediates: [...others, ...files.intermediates, ...known.intermediates],
    // A named trust file is the whole of the trust for this question; without one, this installation's anchors and its trust list.
    anchors: options.trust.length > 0 ? files.trust : known.anchors,
    ...(options.trust.length > 0 ? {} : { constraints: known.constraints }),
    at,
    crls: [...files.crls, ...installed.crls],
    ocspResponses: files.ocspResponses,
    purpose: options.purpose ?? 'any',
    rules: options.rules ?? 'path',
    requireRevocation: options.requireRevocation ?? (asked ? 'where-listed' : false),
    acceptWeak: options.acceptWeak ?? false,
    policies: {
      ...(policy.length > 0 ? { acceptable: policy } : {}),
      explicit: explicitPolicy ?? policy.length > 0,
      inhibitMapping: inhibitPolicyMapping ?? false,
      inhibitAnyPolicy: inhibitAnyPolicy ?? false,
    },
    ...(host === undefined ? {} : { names: [readPeerName(host)] }),
    ...(maxAgeHours === undefined ? {} : { freshness: { maximumAgeMs: maxAgeHours * 3_600_000 } }),
  });
  return reportOfPath(result);
}

function describe({ verdict, path, findings, policies }: PathReport): string {
  const lines = [verdict === 'valid' ? 'valid / 有效' : 'invalid / 无效', ''];
  for (const [index, member] of path.entries()) {
    const { revocation } = member;
    const known = revocation ? `; ${revocation.status}${revocation.asOf ? ` as of / 截至 ${revocation.asOf}` : ''}` : '';
    lines.push(`${index}  ${member.subject}`, `   ${member.notBefore} – ${member.notAfter}${known}`);
    for (const { zh, en, reason, detail } of findings.filter((finding) => finding.index === index)) {
      lines.push(`   ! ${zh}。${en}.${detail && reason !== 'revocation-unknown' ? ` (${detail})` : ''}`);
    }
  }
  if (policies.length > 0) lines.push('', `policies / 证书策略: ${policies.join(', ')}`);
  return lines.join('\n');
}
