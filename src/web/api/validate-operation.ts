/**
 * `POST /api/certificates/validate`: may this certificate be relied on, and if not, what is wrong with which certificate of its path.
 * The anchors are our roots and the trust list with its limits. Public; nothing sent is kept.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { DerError } from '#crypto/der.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { parseCrl } from '#pki/crl.ts';
import { PURPOSES } from '#pki/judge-purpose.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { type PathReport, reportOfPath } from '#pki/path-report.ts';
import { parsePem, parsePemBlocks } from '#pki/pem.ts';
import { validatePath } from '#pki/validate-path.ts';
import { faultyField, Problem } from '#problem.ts';
import { networkOfAddress } from '#sign-in/network-of-address.ts';
import { parsedTrust } from '#web/verification/parsed-trust.ts';
import { readTrust } from '#web/verification/read-trust.ts';
import type { WebContext } from '#web/web-context.ts';
import { ProblemSchema } from './schemas.ts';

const MAX_BODY_BYTES = 512 * 1024;
const MAX_CERTIFICATES = 20;
const MAX_EVIDENCE = 10;
/** Questions of one network a minute: who has an IPv6 address has billions of them. */
const PER_MINUTE = 120;
/** Less than a command at a terminal is granted: many ask here at once. */
const WORK = { signatures: 60, steps: 500, paths: 40 };
const PEM_TYPES = ['application/x-pem-file', 'application/pem-certificate-chain'];

const structure = z.string().min(1).max(400_000).describe('PEM, or Base64 of DER');
const options = {
  purpose: z.enum(PURPOSES).default('any').describe('What the certificate is to be used for'),
  at: z.iso.datetime({ offset: true }).optional().describe('The moment asked about; default now'),
  requireRevocation: z.stringbool().or(z.boolean()).optional().describe('Not knowing is a refusal; default when lists or answers are sent'),
};
const questionShape = z.strictObject({
  certificate: structure,
  intermediates: z.array(structure).max(MAX_CERTIFICATES).default([]),
  crls: z.array(structure).max(MAX_EVIDENCE).default([]),
  ocsp: z.array(structure).max(MAX_EVIDENCE).default([]),
  ...options,
});
const queryShape = z.strictObject(options).partial();
type Question = z.infer<typeof questionShape>;

const text = z.string();
const ReportSchema = z
  .object({
    verdict: z.enum(['valid', 'invalid']),
    path: z
      .array(
        z.object({
          subject: text,
          issuer: text,
          serial: text,
          notBefore: text,
          notAfter: text,
          sha256: text,
          revocation: z
            .object({
              status: z.enum(['good', 'revoked', 'unknown']),
              asOf: text.optional(),
              revokedAt: text.optional(),
              reason: text.optional(),
            })
            .optional(),
        }),
      )
      .readonly(),
    reasons: z.array(text).readonly(),
    findings: z.array(z.object({ reason: text, index: z.int(), detail: text.optional(), zh: text, en: text })).readonly(),
    policies: z.array(text).readonly(),
  })
  .meta({ id: 'PathReport' });

const UNREADABLE: PathReport = { verdict: 'invalid', path: [], reasons: ['certificate-unreadable'], findings: [], policies: [] };

export function registerValidateOperation(server: FastifyInstance, context: WebContext): void {
  void server.register(async (scope) => {
    scope.addContentTypeParser(
      PEM_TYPES,
      { parseAs: 'string', bodyLimit: MAX_BODY_BYTES },
      async (_request: unknown, body: string) => body,
    );
    scope.withTypeProvider<ZodTypeProvider>().post(
      '/api/certificates/validate',
      {
        // Public, and nothing changes by it.
        config: { csrf: false },
        bodyLimit: MAX_BODY_BYTES,
        schema: {
          tags: ['certificates'],
          summary: 'Validate a certificate by RFC 5280 §6 against our roots and the trust list; nothing is kept',
          description: `JSON, or PEM (${PEM_TYPES.join(', ')}: the certificate first, then intermediates) with purpose, at and requireRevocation in the query. SM2, P-256, Ed25519 and RSA chains.`,
          querystring: queryShape,
          body: z.union([questionShape, z.string().max(MAX_BODY_BYTES)]),
          response: { 200: ReportSchema, 413: ProblemSchema, 415: ProblemSchema, 422: ProblemSchema, 429: ProblemSchema },
        },
      },
      async (request) => {
        await requireTurn(context, request);
        const { body, query } = request;
        return judge(context, typeof body === 'string' ? fromPem(body, query) : body);
      },
    );
  });
}

async function requireTurn(context: WebContext, { ip }: FastifyRequest): Promise<void> {
  const minute = Math.floor(context.clock.now().getTime() / 60_000);
  const count = await context.ephemeral.increment(`validate:${networkOfAddress(ip)}:${minute}`, 60);
  if (count > PER_MINUTE) throw new Problem('too-many-requests', { retryAfterSeconds: 60 });
}

function fromPem(pem: string, query: z.infer<typeof queryShape>): Question {
  const blocks = readOr(() => parsePemBlocks(pem)) ?? [];
  const base64 = (...labels: string[]) =>
    blocks.filter(({ label }) => labels.includes(label)).map(({ der }) => Buffer.from(der).toString('base64'));
  const [certificate = '', ...intermediates] = base64('CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE');
  if (intermediates.length > MAX_CERTIFICATES)
    throw faultyField('/intermediates', `At most ${MAX_CERTIFICATES}.`, `最多 ${MAX_CERTIFICATES} 张。`);
  const crls = base64('X509 CRL').slice(0, MAX_EVIDENCE);
  return { certificate, intermediates, crls, ocsp: [], ...query, purpose: query.purpose ?? 'any' };
}

async function judge(context: WebContext, question: Question): Promise<PathReport> {
  const leaf = readOr(() => parseCertificate(derOf(question.certificate)));
  if (!leaf) return UNREADABLE;
  const now = context.clock.now();
  const { crls: ownLists, ...trust } = parsedTrust(await readTrust(context));
  const crls = readAll('/crls', question.crls, parseCrl);
  const answers = readAll('/ocsp', question.ocsp, parseOcspResponse);
  const result = validatePath({
    leaf,
    intermediates: [...readAll('/intermediates', question.intermediates, parseCertificate), ...trust.intermediates],
    anchors: trust.anchors,
    constraints: trust.constraints,
    at: question.at ? new Date(question.at) : now,
    askedAt: now,
    crls: [...crls, ...ownLists],
    ocspResponses: answers.flatMap((answer) => (answer.status === 'successful' ? [answer.basic] : [])),
    purpose: question.purpose,
    requireRevocation: question.requireRevocation ?? crls.length + answers.length > 0,
    work: WORK,
  });
  return reportOfPath(result);
}

/** Throws Problem `invalid-input` naming the first that cannot be read. */
function readAll<T>(pointer: string, texts: readonly string[], parse: (der: Uint8Array) => T): T[] {
  return texts.map((one, index) => {
    const read = readOr(() => parse(derOf(one)));
    if (read === undefined) throw faultyField(`${pointer}/${index}`, 'Cannot be read.', '无法读取。');
    return read;
  });
}

function derOf(encoded: string): Uint8Array {
  const [first] = encoded.includes('-----BEGIN') ? parsePem(encoded) : [Uint8Array.from(Buffer.from(encoded, 'base64'))];
  return first ?? new Uint8Array();
}

/** Undefined for bytes that are no such structure. */
function readOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
