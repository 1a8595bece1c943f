/** What the keys of codes and records sign: a code of short life; a status list, a receipt, an audit checkpoint as JWS. */
import { z } from 'zod';
import { CHECKPOINT_TYPE } from '#audit/checkpoint.ts';
import { TRUST_LIST_TYPE, trustListShape } from '#certificates/trust-list-format.ts';
import { STATUS_LIST_TYPE } from '#codes/status-list-token.ts';
import { CborError } from '#crypto/cbor.ts';
import { COSE_ALGORITHMS, parseSigStructure } from '#crypto/cose.ts';
import { parseClaims } from '#crypto/cwt.ts';
import type { Suite } from '#crypto/suite.ts';
import { RECEIPT_TYPE } from '#licences/receipt.ts';
import { CLOCK_TOLERANCE_MS, type SigningCase, type SigningRule } from './signing-rule.ts';

const MAX_CODE_LIFE_SECONDS = 180;
const CODE_ID_BYTES = 16;
const SCOPE_CLAIM = 9;
/** A list or a receipt may be signed again later, after a crash, with the time of the act; never with one to come. */
const MAX_LIST_LIFE_SECONDS = 31 * 86_400;

/** Sig_structure of COSE_Sign1 over a CWT with expiry, issue time, id and scope, and nothing else. */
export const codeRule: SigningRule = ({ structure, key, now }) => {
  try {
    const { protectedHeaders, externalData, payload } = parseSigStructure(structure);
    if (protectedHeaders.get(1) !== COSE_ALGORITHMS[key.suite]) return 'algorithm is not that of the key';
    if (!(protectedHeaders.get(4) instanceof Uint8Array) || protectedHeaders.size !== 2) return 'headers other than alg and kid';
    if (externalData.length > 0) return 'external data';
    const { expiresAt, issuedAt, id, others, ...rest } = parseClaims(payload);
    if (Object.keys(rest).length > 0 || others.size !== 1) return 'claims a code does not have';
    const scope = others.get(SCOPE_CLAIM);
    if (!(scope instanceof Uint8Array) || scope.length < 5 || scope.length > 22) return 'scope missing or too long';
    if (id?.length !== CODE_ID_BYTES || expiresAt === undefined || issuedAt === undefined) return 'a code without id or times';
    const life = expiresAt - issuedAt;
    if (life < 1 || life > MAX_CODE_LIFE_SECONDS) return 'a code that lives too long';
    return Math.abs(issuedAt * 1000 - now.getTime()) > CLOCK_TOLERANCE_MS ? 'issue time is not now' : undefined;
  } catch (error) {
    if (error instanceof CborError) return 'not a Sig_structure over a CWT';
    throw error;
  }
};

const JWS_ALGORITHMS: Partial<Record<Suite, string>> = { es256: 'ES256', 'sm2-sm3': 'SGD_SM3_SM2' };
const seconds = z.int().min(0).max(253_402_300_799);

const statusListPayload = z.strictObject({
  sub: z.string().min(1),
  iat: seconds,
  exp: seconds,
  ttl: z.number().positive(),
  status_list: z.strictObject({ bits: z.int(), lst: z.string() }),
});
const receiptPayload = z.looseObject({ iss: z.string().min(1), jti: z.string().min(1), iat: seconds, verdict: z.string().min(1) });
const checkpointPayload = z.strictObject({
  position: z.string().regex(/^[1-9]\d{0,18}$/),
  event: z.uuid(),
  chain: z.string().regex(/^[0-9a-f]{64}$/),
  iat: seconds,
});

/** JWS signing input (RFC 7515 §5.1) with exactly alg, kid and typ, where kid is this key's name and typ the purpose's. */
function jwsRule(type: string, judge: (payload: unknown, nowSeconds: number) => string | undefined): SigningRule {
  return (request) => {
    const parts = Buffer.from(request.structure.buffer, request.structure.byteOffset, request.structure.length)
      .toString('latin1')
      .split('.');
    const [header, payload] = parts.length === 2 ? parts.map(decodePart) : [];
    if (header === undefined || payload === undefined) return 'not a JWS signing input';
    const fault = judgeHeader(header, type, request);
    return fault ?? judge(payload, request.now.getTime() / 1000);
  };
}

function judgeHeader(header: unknown, type: string, { key }: SigningCase): string | undefined {
  const expected = z.strictObject({ alg: z.literal(JWS_ALGORITHMS[key.suite] ?? ''), kid: z.literal(key.name), typ: z.literal(type) });
  return expected.safeParse(header).success ? undefined : 'header is not that of this key and purpose';
}

/** JSON in canonical base64url; undefined for anything else. */
function decodePart(part: string): unknown {
  const bytes = Buffer.from(part, 'base64url');
  if (bytes.toString('base64url') !== part) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) ?? undefined;
  } catch {
    return undefined;
  }
}

const isToCome = (iat: number, nowSeconds: number) => iat > nowSeconds + CLOCK_TOLERANCE_MS / 1000;

export const statusListRule: SigningRule = jwsRule(STATUS_LIST_TYPE, (payload, now) => {
  const parsed = statusListPayload.safeParse(payload);
  if (!parsed.success) return 'not a status list';
  const { iat, exp } = parsed.data;
  if (Math.abs(iat - now) > CLOCK_TOLERANCE_MS / 1000) return 'issue time is not now';
  return exp <= iat || exp - iat > MAX_LIST_LIFE_SECONDS ? 'a list that lives too long' : undefined;
});

export const receiptRule: SigningRule = jwsRule(RECEIPT_TYPE, (payload, now) => {
  const parsed = receiptPayload.safeParse(payload);
  if (!parsed.success) return 'not a receipt';
  return isToCome(parsed.data.iat, now) ? 'issue time lies in the future' : undefined;
});

export const checkpointRule: SigningRule = jwsRule(CHECKPOINT_TYPE, (payload, now) => {
  const parsed = checkpointPayload.safeParse(payload);
  if (!parsed.success) return 'not an audit checkpoint';
  return Math.abs(parsed.data.iat - now) > CLOCK_TOLERANCE_MS / 1000 ? 'issue time is not now' : undefined;
});

export const trustListRule: SigningRule = jwsRule(TRUST_LIST_TYPE, (payload, now) => {
  const parsed = trustListShape.safeParse(payload);
  if (!parsed.success) return 'not a trust list';
  const [issued, next] = [parsed.data.issuedAt, parsed.data.nextUpdate].map((time) => Date.parse(time) / 1000) as [number, number];
  if (Math.abs(issued - now) > CLOCK_TOLERANCE_MS / 1000) return 'issue time is not now';
  return next <= issued || next - issued > MAX_LIST_LIFE_SECONDS ? 'a list that lives too long' : undefined;
});
