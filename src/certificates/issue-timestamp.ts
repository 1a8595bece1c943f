/** The time-stamp authority (RFC 3161, GM/T 0033): policy, clock, token. Its keys sign nothing else, and the signer looks at the time itself. */
import { randomBytes } from 'node:crypto';
import { encodeSignedAttributes, encodeSignedData } from '#crypto/cms.ts';
import { integer } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { type DigestName, digest, digestOfSuite } from '#crypto/suite.ts';
import { encodeMessageImprint, readTimestampQuery, type TimestampQuery, type TimestampRefusal } from '#pki/timestamp-query.ts';
import { encodeTimestampRefusal, encodeTimestampReply, encodeTstInfo, TIMESTAMP_POLICY } from '#pki/timestamp-token.ts';
import { faultyField, Problem } from '#problem.ts';
import type { AuthoritySuite, CertificateDeps } from './certificate-deps.ts';
import { type ClockDeps, isClockTrusted } from './judge-clock.ts';
import { newSerial } from './serial.ts';
import { findServiceSigner } from './service-signer.ts';

export type TimestampDeps = CertificateDeps & Pick<ClockDeps, 'otherTime'>;

/** One suite throughout a token, the imprint included. */
const IMPRINTS: Record<AuthoritySuite, readonly DigestName[]> = { es256: ['sha256', 'sha384', 'sha512'], 'sm2-sm3': ['sm3'] };
const DIGEST_OCTETS: Partial<Record<DigestName, number>> = { sm3: 32, sha256: 32, sha384: 48, sha512: 64 };

/** TimeStampResp for a TimeStampReq; whatever is wrong with the query, the clock or the signer is a refusal in it. */
export async function answerTimestampQuery(deps: TimestampDeps, suite: AuthoritySuite, der: Uint8Array): Promise<Uint8Array> {
  const query = readTimestampQuery(der);
  const refusal = 'failure' in query ? query : refusalOfPolicy(query, suite);
  if (refusal || 'failure' in query) return encodeTimestampRefusal(refusal ?? (query as TimestampRefusal));
  if (!(await isClockTrusted(deps))) return encodeTimestampRefusal(CLOCK_DOUBTFUL);
  try {
    return encodeTimestampReply(await makeToken(deps, suite, query));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return encodeTimestampRefusal({ failure: 'system-failure', because: 'the signing key cannot be used just now' });
  }
}

const CLOCK_DOUBTFUL: TimestampRefusal = { failure: 'time-not-available', because: 'the clock is not in step with another one' };

function refusalOfPolicy({ policy, digest: name }: TimestampQuery, suite: AuthoritySuite): TimestampRefusal | undefined {
  if (!IMPRINTS[suite].includes(name)) return { failure: 'bad-alg', because: `this authority stamps ${IMPRINTS[suite].join(', ')}` };
  return policy && policy !== TIMESTAMP_POLICY
    ? { failure: 'unaccepted-policy', because: `the only policy is ${TIMESTAMP_POLICY}` }
    : undefined;
}

export interface TimestampRequest {
  /** Digest of what is to be stamped. */
  imprint: Uint8Array;
  digest: DigestName;
  suite: AuthoritySuite;
}

/**
 * A token (ContentInfo) for our own documents, without HTTP between. Throws Problem `invalid-input` for an imprint this
 * authority does not stamp, `unavailable` when the clock is doubtful, or what the key store throws.
 */
export async function requestTimestamp(deps: TimestampDeps, { imprint, digest: name, suite }: TimestampRequest): Promise<Uint8Array> {
  if (!IMPRINTS[suite].includes(name) || imprint.length !== DIGEST_OCTETS[name]) {
    throw faultyField('/imprint', 'Not a digest this authority stamps.', '摘要算法或长度不符合时间戳服务的要求。');
  }
  if (!(await isClockTrusted(deps))) throw new Problem('unavailable');
  return makeToken(deps, suite, { imprintDer: encodeMessageImprint(name, imprint), certReq: true });
}

const STOCK_OCTETS = 4_096;
let stock = new Uint8Array();

/** Random octets, each given once: one draw from the system serves many tokens. */
function drawRandom(length: number): Uint8Array {
  if (stock.length < length) stock = Uint8Array.from(randomBytes(STOCK_OCTETS));
  const drawn = stock.subarray(0, length);
  stock = stock.subarray(length);
  return drawn;
}

async function makeToken(
  deps: TimestampDeps,
  suite: AuthoritySuite,
  query: Pick<TimestampQuery, 'imprintDer' | 'nonceDer' | 'certReq'>,
): Promise<Uint8Array> {
  const { keyName, certificate, certificateDigest, issuing } = await findServiceSigner(deps, 'timestamp', suite);
  const digestName = digestOfSuite(suite);
  const info = encodeTstInfo({
    imprintDer: query.imprintDer,
    // Random, so that no two processes ever give the same.
    serial: newSerial(drawRandom).bytes,
    at: deps.clock.now(),
    ...(query.nonceDer ? { nonceDer: query.nonceDer } : {}),
    tsaName: certificate.subject.der,
  });
  const signedAttributes = encodeSignedAttributes({
    contentType: OID.timeStampInfo,
    messageDigest: digest(digestName, info),
    signingCertificate: { digestName, digest: certificateDigest },
  });
  const signature = await deps.keys.sign(keyName, 'timestamp', signedAttributes, info);
  return encodeSignedData({
    form: 'pkcs7',
    suite,
    contentType: OID.timeStampInfo,
    content: info,
    certificates: [certificate.der, issuing.der],
    withoutCertificates: !query.certReq,
    signer: { issuer: certificate.issuer.der, serial: integer(certificate.serialBytes) },
    signedAttributes,
    signature,
  });
}
