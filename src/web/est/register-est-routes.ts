/**
 * Enrolment over Secure Transport (RFC 7030, RFC 8951) for devices and kiosks: cacerts, simpleenroll, simplereenroll, csrattrs, with
 * or without the label `devices`. A device shows who it is by HTTP Basic with a one-time token; to re-enrol by its certificate on
 * our own TLS port, or by signing the request with its present key. Not offered: fullcmc, serverkeygen, tls-unique, SM2.
 */
import type { TLSSocket } from 'node:tls';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { deviceAuthorities } from '#certificates/device-authorities.ts';
import { type DeviceEnrolment, enrolDevice, reenrolDevice } from '#certificates/enrol-device.ts';
import { encodeCertsOnly } from '#crypto/certs-only.ts';
import { DerError } from '#crypto/der.ts';
import { oid, sequence, setOf } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { Problem } from '#problem.ts';
import { networkOfAddress } from '#sign-in/network-of-address.ts';
import type { WebContext } from '#web/web-context.ts';
import { basicCredentials } from './basic-credentials.ts';
import { MAX_EST_BODY_BYTES, readEstBody } from './read-est-body.ts';

const LABEL = 'devices';
/** Failures from one address within an hour before it has to wait: tokens of 192 bits are not guessed, but need not be tried either. */
const MAX_FAILURES = 60;
const HOUR_SECONDS = 3_600;
const HIDDEN = { schema: { hide: true }, config: { csrf: false } } as const;
/** RFC 7030 §4.5.2: a key on P-256, and a signature with SHA-256. */
const CSR_ATTRIBUTES = sequence(sequence(oid(OID.ecPublicKey), setOf(oid(OID.p256))), oid(OID.ecdsaWithSha256));

type EstRequest = FastifyRequest<{ Params: { label?: string } }>;

export function registerEstRoutes(server: FastifyInstance, context: WebContext): void {
  void server.register(async (scope) => {
    // In its own scope: only here a body of this type is taken. Some clients name none.
    scope.addContentTypeParser(
      ['application/pkcs10', 'application/octet-stream', 'text/plain'],
      { parseAs: 'buffer', bodyLimit: MAX_EST_BODY_BYTES },
      async (_request: unknown, body: Buffer) => body,
    );
    for (const base of ['/.well-known/est', '/.well-known/est/:label']) registerUnder(scope, context, base);
  });
}

function registerUnder(scope: FastifyInstance, context: WebContext, base: string): void {
  scope.get(`${base}/cacerts`, HIDDEN, async (request, reply) => {
    requireLabel(request as EstRequest);
    const { roots, issuing } = await deviceAuthorities(context);
    if (issuing.length === 0) throw new Problem('authority-missing');
    return sendBase64(reply, 'application/pkcs7-mime', encodeCertsOnly([...roots, ...issuing].map(({ der }) => der)));
  });

  scope.get(`${base}/csrattrs`, HIDDEN, async (request, reply) => {
    requireLabel(request as EstRequest);
    return sendBase64(reply, 'application/csrattrs', CSR_ATTRIBUTES);
  });

  scope.post(`${base}/simpleenroll`, HIDDEN, async (request, reply) => {
    requireLabel(request as EstRequest);
    return settle(request, reply, context, () => enrolByToken(request, context));
  });

  scope.post(`${base}/simplereenroll`, HIDDEN, async (request, reply) => {
    requireLabel(request as EstRequest);
    // A device that lost its key, or its certificate, comes with a new token here too.
    if (basicCredentials(request)) return settle(request, reply, context, () => enrolByToken(request, context));
    return settle(request, reply, context, () =>
      reenrolDevice(context, { csr: readEstBody(request.body), presented: peerCertificate(request) }),
    );
  });
}

function enrolByToken(request: FastifyRequest, context: WebContext): Promise<DeviceEnrolment> {
  const credentials = basicCredentials(request);
  if (!credentials) throw new Problem('enrolment-token-refused');
  return enrolDevice(context, { username: credentials.username, token: credentials.password, csr: readEstBody(request.body) });
}

/** Runs an enrolment and answers it; counts the tries of an address that is refused. */
async function settle(request: FastifyRequest, reply: FastifyReply, context: WebContext, enrol: () => Promise<DeviceEnrolment>) {
  const counter = `est-failures:${networkOfAddress(request.ip)}`;
  if (Number((await context.ephemeral.get(counter)) ?? 0) >= MAX_FAILURES)
    throw new Problem('too-many-requests', { retryAfterSeconds: HOUR_SECONDS });
  try {
    const result = await enrol();
    if (result.status === 'pending') return reply.code(202).header('retry-after', String(result.retryAfterSeconds)).send('');
    return sendBase64(reply, 'application/pkcs7-mime; smime-type=certs-only', encodeCertsOnly([result.certificate.der]));
  } catch (error) {
    if (error instanceof Problem && error.code === 'enrolment-token-refused') {
      await context.ephemeral.increment(counter, HOUR_SECONDS);
      reply.header('www-authenticate', 'Basic realm="Tongren EST", charset="UTF-8"');
    }
    throw error;
  }
}

/** RFC 7030 §3.2.2: one label, for the one authority that devices have. */
function requireLabel({ params }: EstRequest): void {
  if (params.label !== undefined && params.label !== LABEL) throw new Problem('not-found');
}

/** The certificate with which the client opened the connection to us; a gateway that ends TLS shows none. */
function peerCertificate(request: FastifyRequest): Certificate | undefined {
  const socket = request.raw.socket as Partial<TLSSocket>;
  const raw = socket.getPeerCertificate?.()?.raw;
  if (!raw?.length) return undefined;
  try {
    return parseCertificate(new Uint8Array(raw));
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

/** Lines of 64 characters; the header says what RFC 8951 §2.1 lets readers assume. */
function sendBase64(reply: FastifyReply, type: string, der: Uint8Array): FastifyReply {
  const text = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n');
  return reply.header('content-transfer-encoding', 'base64').header('cache-control', 'no-store').type(type).send(`${text}\n`);
}
