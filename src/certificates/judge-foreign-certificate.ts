/**
 * Whether a person's certificate of another authority counts here now: its path leads to an entry of the trust list that takes it for
 * signing in, within that entry's limits, and its authorities say, lately enough, that nothing on the path was revoked. Not knowing
 * refuses. Authorities are asked only once the path has reached the entry.
 */
import { type ValidationSources, validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import type { Certificate } from '#pki/certificate.ts';
import { parseCrl } from '#pki/crl.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { describeFinding } from '#pki/path-reasons.ts';
import { type PathResult, validatePath } from '#pki/validate-path.ts';
import type { Clock } from '#ports/clock.ts';
import type { Outbound } from '#ports/outbound.ts';
import { Problem } from '#problem.ts';
import type { Database } from '#storage/database.ts';
import { askStatusOver } from './ask-status.ts';
import { holderNumber } from './holder-number.ts';
import { signInAnchorsOf } from './trust-list-anchors.ts';
import type { ListedSignIn } from './trust-list-format.ts';
import { readTrustEntries } from './trust-list-publish.ts';

export interface ForeignCertificateDeps {
  db: Database;
  clock: Clock;
  outbound: Outbound;
}

export interface ForeignHolder {
  /** 18 characters. */
  citizenNumber: string;
  /** Entry of the trust list. */
  trustEntryId: string;
  level: ListedSignIn['level'];
}

/** A list or an answer older than this says nothing good, whatever its nextUpdate. */
const MAX_STATUS_AGE_MS = 7 * 86_400_000;
/** Somebody waits at a page. */
const ASKING = { timeoutMs: 5_000, maxCrlBytes: 8 * 1024 * 1024 };
const WORK = { signatures: 60, steps: 500, paths: 40 };
/** A list serves the next sign-in too. */
const LIST_KEPT_MS = 5 * 60_000;
const MAX_LISTS = 8;

/**
 * Throws Problem `foreign-certificate-refused`, saying why, and `foreign-certificate-status-unknown`. What the certificate is shown
 * with, `intermediates`, is trusted for nothing.
 */
export async function requireForeignHolder(
  deps: ForeignCertificateDeps,
  { certificate, intermediates }: { certificate: Certificate; intermediates: readonly Certificate[] },
): Promise<ForeignHolder> {
  const at = deps.clock.now();
  const listed = signInAnchorsOf(await readTrustEntries(deps), at);
  const anchors = listed.map(({ anchor }) => anchor);
  const question = {
    leaf: certificate,
    intermediates: [...intermediates, ...listed.flatMap(({ extra }) => extra)],
    anchors,
    constraints: new Map(listed.map(({ anchor, constraints }) => [anchor.fingerprint, constraints])),
    at,
    purpose: 'client' as const,
    keyUsages: ['digital-signature' as const],
    work: WORK,
  };
  const before = validatePath(question);
  const entry = listed.find(({ anchor }) => anchor.fingerprint === before.path.at(-1)?.fingerprint);
  if (!before.anchored || !entry) throw refused('Its authority is not recognised for signing in here.', '其签发机构未被承认用于登录。');
  if (!before.valid) throw refusedFor(before);
  if (certificate.basicConstraints?.ca || before.path.length < 2) throw refused('It is an authority’s own.', '该证书为机构证书。');
  const result = validatePath({ ...question, ...(await statusOf(deps, before, at)) });
  if (!result.valid) throw refusedFor(result);
  // Also of a certificate that says of itself that nobody need ask.
  if (!result.revocations.every(({ status }) => status === 'good')) throw new Problem('foreign-certificate-status-unknown');
  const citizenNumber = holderNumber(certificate, entry.signIn);
  if (citizenNumber === undefined) throw refused('It names no citizen number where it should stand.', '约定位置没有公民身份号码。');
  return { citizenNumber, trustEntryId: entry.id, level: entry.signIn.level };
}

function refused(detail: string, detailZh: string): Problem {
  return new Problem('foreign-certificate-refused', {
    detail: `This certificate is not accepted. ${detail}`,
    detailZh: `不接受该证书：${detailZh}`,
  });
}

function refusedFor({ findings }: PathResult): Problem {
  const [first] = findings.filter(({ reason }) => reason !== 'revocation-unknown');
  if (!first) return new Problem('foreign-certificate-status-unknown');
  const { zh, en } = describeFinding(first);
  return refused(`${en}${first.index > 0 ? ' (an authority above it)' : ''}.`, `${zh}${first.index > 0 ? '（上级机构证书）' : ''}。`);
}

/** What the authorities of the path say. Throws Problem `foreign-certificate-status-unknown` when they say nothing. */
async function statusOf({ outbound, clock }: ForeignCertificateDeps, { path }: PathResult, at: Date) {
  const anchor = path.at(-1) as Certificate;
  const collect = validationDataFrom({ anchors: [anchor], now: () => clock.now(), ...sourcesOver(outbound, clock) });
  try {
    const { crls, ocspResponses } = await collect({ role: 'signer', certificates: path.slice(0, -1).map(({ der }) => der), at });
    const answers = ocspResponses.map((der) => parseOcspResponse(der));
    return {
      crls: crls.map((der) => parseCrl(der)),
      ocspResponses: answers.flatMap((answer) => (answer.status === 'successful' ? [answer.basic] : [])),
      askedAt: clock.now(),
      requireRevocation: true,
      freshness: { maximumAgeMs: MAX_STATUS_AGE_MS },
    };
  } catch (error) {
    if (error instanceof Problem && error.code === 'validation-data-missing')
      throw new Problem('foreign-certificate-status-unknown', { cause: error });
    throw error;
  }
}

type KeptLists = Map<string, { at: number; list: Promise<Uint8Array | undefined> }>;
const keptBy = new WeakMap<Outbound, KeptLists>();

/** Answers are asked for each time; a list is fetched again after five minutes. */
function sourcesOver(outbound: Outbound, clock: Clock): Pick<ValidationSources, 'fetchCrl' | 'askOcsp'> {
  const { fetchCrl, askOcsp } = askStatusOver(outbound, ASKING);
  const lists: KeptLists = keptBy.get(outbound) ?? new Map();
  keptBy.set(outbound, lists);
  return {
    askOcsp,
    fetchCrl: async (url) => {
      const now = clock.now().getTime();
      const kept = lists.get(url);
      if (kept && Math.abs(now - kept.at) < LIST_KEPT_MS) return kept.list;
      const list = fetchCrl(url);
      lists.delete(url);
      if (lists.size >= MAX_LISTS) lists.delete(lists.keys().next().value ?? '');
      lists.set(url, { at: now, list });
      // What was not to be had may be there a moment later.
      if ((await list) === undefined) lists.delete(url);
      return list;
    },
  };
}
