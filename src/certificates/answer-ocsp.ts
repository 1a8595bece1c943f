/**
 * The OCSP responder (RFC 6960, RFC 5019): answers for the certificates of our issuing authorities. A kept answer is
 * served only while it says what the certificate's row says, so a revocation shows with the next look at the store, and
 * nothing has to be thrown away; while the signer is down, kept answers are served until they end.
 */
import { DerError } from '#crypto/der.ts';
import { isOfIssuer, type OcspCertId } from '#pki/ocsp-cert-id.ts';
import { encodeOcspRefusal, type OcspRefusal } from '#pki/ocsp-encode-response.ts';
import { type OcspRequest, parseOcspRequest } from '#pki/ocsp-request.ts';
import { Problem } from '#problem.ts';
import { type Authority, isRoot, listAuthorities } from './authorities.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import { KEPT_DIGESTS, makeOcspAnswer, type SignedOcsp, type StatusRow, signOcsp, statusOf } from './sign-ocsp.ts';

/** How long an answer is given again without asking the store: with the store's own delay well under five seconds. */
const KEEP_MS = 1_000;
const MAX_KEPT = 5_000;

export interface OcspReply {
  der: Uint8Array;
  /** Set when the answer is the same for everybody until then; such may be cached. */
  kept?: { thisUpdate: Date; nextUpdate: Date };
}

/** The responder with its short memory; one for the process. Never throws for bad input. */
export function ocspResponder(deps: CertificateDeps): (request: Uint8Array) => Promise<OcspReply> {
  const memory = new Map<string, { reply: OcspReply; at: number }>();
  return async (request) => {
    const key = Buffer.from(request).toString('latin1');
    const found = memory.get(key);
    if (found && performance.now() - found.at < KEEP_MS) return found.reply;
    const at = performance.now();
    const reply = await answerOcsp(deps, request);
    if (reply.kept) {
      if (memory.size >= MAX_KEPT) memory.clear();
      memory.set(key, { reply, at });
    }
    return reply;
  };
}

/** One request, one reply; refusals are replies too. Throws only when the store fails. */
export async function answerOcsp(deps: CertificateDeps, der: Uint8Array): Promise<OcspReply> {
  let request: OcspRequest;
  try {
    request = parseOcspRequest(der);
  } catch (error) {
    if (error instanceof DerError) return refuse('malformed-request');
    throw error;
  }
  const authority = await findAuthorityOf(deps, request.questions);
  if (!authority) return refuse('unauthorized');
  try {
    const [only] = request.questions;
    const isKept = only && request.questions.length === 1 && !request.nonce && only.digest && KEPT_DIGESTS.includes(only.digest);
    return isKept ? await answerKept(deps, authority, only) : await answerFresh(deps, authority, request);
  } catch (error) {
    // The signer is away, or asked too often: nothing is wrong with the question.
    if (error instanceof Problem) return refuse('try-later');
    throw error;
  }
}

/** The one issuing authority that all questions are about. A root answers nothing: its key is used too seldom for that. */
async function findAuthorityOf(deps: CertificateDeps, questions: readonly OcspCertId[]): Promise<Authority | undefined> {
  const authorities = await listAuthorities(deps);
  return authorities.find((one) => !isRoot(one) && questions.every((question) => isOfIssuer(question, one.certificate)));
}

interface KeptRow extends StatusRow {
  der: Uint8Array | null;
  this_update: Date | null;
  next_update: Date | null;
}

async function answerKept(deps: CertificateDeps, authority: Authority, question: OcspCertId): Promise<OcspReply> {
  const { serialHex, digest } = question;
  const [row] = await deps.db.$queryRaw<KeptRow[]>`
    SELECT c.revoked_at AS "revokedAt", c.revocation_reason AS "revocationReason", a.der, a.this_update, a.next_update
    FROM issued_certificate c
    LEFT JOIN ocsp_answer a ON a.serial_hex = c.serial_hex AND a.digest = ${digest ?? ''}
      AND a.revoked_at IS NOT DISTINCT FROM c.revoked_at AND a.revocation_reason IS NOT DISTINCT FROM c.revocation_reason
    WHERE c.serial_hex = ${serialHex} AND c.issuer_key = ${authority.keyName} AND c.der IS NOT NULL`;
  // What we did not issue is not kept: anybody could fill the store with numbers.
  if (!row || !digest) return { der: (await signOcsp(deps, authority, [{ certId: question.der, status: statusOf(undefined) }])).der };
  const now = deps.clock.now();
  if (row.der && row.this_update && row.next_update && row.this_update <= now && now < row.next_update) {
    return replyOf({ der: row.der, thisUpdate: row.this_update, nextUpdate: row.next_update });
  }
  return replyOf(await makeOcspAnswer(deps, { authority, serialHex, digest, row }));
}

function replyOf({ der, thisUpdate, nextUpdate }: SignedOcsp): OcspReply {
  return { der, kept: { thisUpdate, nextUpdate } };
}

/** With a nonce, or several questions at once: signed for this requester alone. */
async function answerFresh(deps: CertificateDeps, authority: Authority, { questions, nonce }: OcspRequest): Promise<OcspReply> {
  const rows = await deps.db.issuedCertificate.findMany({
    where: {
      serialHex: { in: questions.map(({ serialHex }) => serialHex) },
      issuerKey: authority.keyName,
      der: { not: null },
    },
    select: { serialHex: true, revokedAt: true, revocationReason: true },
  });
  const answers = questions.map(({ der, serialHex }) => ({
    certId: der,
    status: statusOf(rows.find((row) => row.serialHex === serialHex)),
  }));
  return { der: (await signOcsp(deps, authority, answers, nonce)).der };
}

function refuse(refusal: OcspRefusal): OcspReply {
  return { der: encodeOcspRefusal(refusal) };
}
