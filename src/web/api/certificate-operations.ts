/** Certificates for organisations' systems: ask, look, fetch, renew, revoke. What operators do is `certificate-decisions.ts`. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { checkDomains, listDomainProofs } from '#certificates/check-domains.ts';
import type { CertificateRequestView } from '#certificates/enrolment.ts';
import { fetchIssued, listCertificateRequests, requireCertificateRequest } from '#certificates/find-certificate-request.ts';
import { findHeldCertificate, type HeldCertificate } from '#certificates/held-certificates.ts';
import { renewCertificate } from '#certificates/renew-certificate.ts';
import {
  ORGANISATION_PROFILES,
  type OrganisationParty,
  requestOrganisationCertificate,
} from '#certificates/request-organisation-certificate.ts';
import { HOLDER_REASONS, revokeHeldCertificate } from '#certificates/revoke-held-certificate.ts';
import { takeEncryptionCertificate } from '#certificates/take-encryption-certificate.ts';
import { toPem } from '#pki/pem.ts';
import { Problem } from '#problem.ts';
import type { WebContext } from '#web/web-context.ts';
import { type ApiParty, authorise } from './authorise.ts';
import { ProblemSchema, refusals, tokenOrSession } from './schemas.ts';

export const REQUEST_STATUSES = ['requested', 'approved', 'rejected', 'issued', 'cancelled', 'expired'] as const;

export const RequestSchema = z
  .object({
    id: z.string(),
    requestId: z.string(),
    status: z.enum(REQUEST_STATUSES),
    profile: z.string(),
    suite: z.string(),
    keyFingerprint: z.string().describe('SHA-256 of the public key, hex'),
    digest: z.string().describe('SHA-256 of what was asked for; operators approve exactly this'),
    requestedAt: z.date(),
    expiresAt: z.date(),
    decidedAt: z.date().optional(),
    reason: z.string().optional().describe('Why it was rejected'),
    renews: z.string().optional(),
    serial: z.string().optional(),
    dnsNames: z.array(z.string()).optional(),
    domains: z
      .array(
        z.object({
          ...{ name: z.string(), url: z.string(), content: z.string(), provenAt: z.date().optional(), checkedAt: z.date().optional() },
          fault: z.enum(['unreachable', 'not-found', 'other-content']).optional(),
        }),
      )
      .optional()
      .describe('Of a web server: what must stand where, and whether it was found'),
    certificate: z.string().optional().describe('PEM, once issued'),
    chain: z.string().optional().describe('PEM: certificate, issuing authority, root'),
  })
  .meta({ id: 'CertificateRequest' });

const CertificateSchema = z
  .object({
    serial: z.string(),
    profile: z.string(),
    suite: z.string(),
    subject: z.string(),
    status: z.enum(['good', 'revoked', 'expired', 'not-yet-valid']),
    notBefore: z.date(),
    notAfter: z.date(),
    revokedAt: z.date().optional(),
    reason: z.string().optional(),
    renewable: z.boolean(),
    renewedBy: z.string().optional(),
    keyFingerprint: z.string(),
    certificate: z.string().describe('PEM'),
  })
  .meta({ id: 'Certificate' });

const EncryptionSchema = z
  .object({
    serial: z.string(),
    certificate: z.string().describe('PEM'),
    chain: z.string().describe('PEM: certificate, issuing authority, root'),
    envelope: z.object({ form: z.enum(['cms', 'sm2-enveloped-key']), bytes: z.string().describe('base64, DER') }).optional(),
    pkcs12: z.string().optional().describe('base64'),
  })
  .meta({ id: 'EncryptionCertificate' });

const serial = z.object({ serial: z.string().regex(/^[0-9a-f]{2,40}$/) });
const missing = { ...refusals, 404: ProblemSchema };

export function registerCertificateOperations(server: FastifyInstance, context: WebContext): void {
  const api = server.withTypeProvider<ZodTypeProvider>();

  api.post(
    '/api/certificates/requests',
    {
      schema: {
        tags: ['certificates'],
        summary: 'Ask for a certificate of this organisation, or for the next one',
        description:
          'The key is taken from the PKCS#10 request, the names from our register. Operators decide; a renewal with the same key and ' +
          'unchanged data is issued at once. The same request id sent again gives the same request.',
        security: tokenOrSession('certificates:request'),
        body: z.object({
          csr: z.string().min(64).max(65_536).describe('PKCS#10 as PEM; P-256 or SM2'),
          requestId: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
          profile: z.enum(ORGANISATION_PROFILES as [string, ...string[]]).optional(),
          dnsNames: z.array(z.string().max(253)).max(10).optional().describe('Host names, for web-server alone'),
          renews: serial.shape.serial.optional().describe('Serial number of the certificate that this one follows'),
        }),
        response: { 201: RequestSchema, 409: ProblemSchema, 429: ProblemSchema, ...missing },
      },
    },
    async (request, reply) => {
      const by = await party(context, request, 'certificates:request');
      const { csr, requestId, profile, dnsNames, renews } = request.body;
      const asked = { by, csr, requestId };
      const view = renews
        ? (await renewCertificate(context, { ...asked, serialHex: renews })).request
        : await requestOrganisationCertificate(context, {
            ...asked,
            ...(profile ? { profile: profile as (typeof ORGANISATION_PROFILES)[number] } : {}),
            ...(dnsNames ? { dnsNames } : {}),
          });
      return reply.code(201).send(await answerOf(context, view));
    },
  );

  api.post(
    '/api/certificates/requests/:id/domains',
    {
      schema: {
        tags: ['certificates'],
        summary: 'Look whether control of the host names of a web server is proven',
        description:
          'At each name, on port 80, `content` must stand under `url`. Once in ten seconds; operators decide when all are proven.',
        security: tokenOrSession('certificates:request'),
        params: z.object({ id: z.uuid() }),
        response: { 200: RequestSchema, 409: ProblemSchema, 429: ProblemSchema, ...missing },
      },
    },
    async (request) => {
      const by = await party(context, request, 'certificates:request');
      await checkDomains(context, { id: request.params.id, by });
      return answerOf(context, await requireCertificateRequest(context, request.params.id));
    },
  );

  api.get(
    '/api/certificates/requests',
    {
      schema: {
        tags: ['certificates'],
        summary: 'What this organisation asked for, newest first',
        security: tokenOrSession('certificates:read'),
        querystring: z.object({
          status: z.enum(REQUEST_STATUSES).optional(),
          cursor: z.uuid().optional(),
          limit: z.coerce.number().int().min(1).max(100).default(20),
        }),
        response: { 200: z.object({ items: z.array(RequestSchema), nextCursor: z.string().optional() }), ...refusals },
      },
    },
    async (request) => {
      const { organisationId } = await party(context, request, 'certificates:read');
      const { items, nextCursor } = await listCertificateRequests(context, {
        ...request.query,
        holder: { kind: 'organisation', organisationId },
      });
      return { items: items.map(plainAnswer), ...(nextCursor ? { nextCursor } : {}) };
    },
  );

  api.get(
    '/api/certificates/requests/:id',
    {
      schema: {
        tags: ['certificates'],
        summary: 'One request, with its certificate once that is issued',
        security: tokenOrSession('certificates:read'),
        params: z.object({ id: z.uuid() }),
        response: { 200: RequestSchema, ...missing },
      },
    },
    async (request) => {
      const { organisationId } = await party(context, request, 'certificates:read');
      const view = await requireCertificateRequest(context, request.params.id);
      const isOwn = view.holder.kind !== 'person' && view.holder.organisationId === organisationId;
      if (!isOwn) throw new Problem('certificate-request-not-found');
      return answerOf(context, view);
    },
  );

  api.get(
    '/api/certificates/:serial',
    {
      schema: {
        tags: ['certificates'],
        summary: 'One certificate of this organisation or of its devices, and its status',
        security: tokenOrSession('certificates:read'),
        params: serial,
        response: { 200: CertificateSchema, ...missing },
      },
    },
    async (request) => {
      const { organisationId } = await party(context, request, 'certificates:read');
      const held = await findHeldCertificate(context, request.params.serial);
      const isOwn = held && held.holder.kind !== 'person' && held.holder.organisationId === organisationId;
      if (!isOwn) throw new Problem('certificate-not-found');
      return certificateAnswer(held);
    },
  );

  api.post(
    '/api/certificates/:serial/encryption',
    {
      schema: {
        tags: ['certificates'],
        summary: 'Take the encryption certificate that goes with a certificate of this organisation, once',
        description:
          'We make its key and keep a sealed copy. It comes in an envelope that the signing key opens (CMS AuthEnvelopedData, or ' +
          'GB/T 35276 SM2EnvelopedKey), or for P-256 with a password as PKCS#12. A lost key is recovered by two operators.',
        security: tokenOrSession('certificates:request'),
        params: serial,
        body: z.object({ pkcs12Password: z.string().max(128).optional().describe('Not kept') }),
        response: { 201: EncryptionSchema, 409: ProblemSchema, ...missing },
      },
    },
    async (request, reply) => {
      const by = await party(context, request, 'certificates:request');
      const { pkcs12Password: password } = request.body;
      const handover = password === undefined ? ({ as: 'envelope' } as const) : ({ as: 'pkcs12', password } as const);
      const taken = await takeEncryptionCertificate(context, { serialHex: request.params.serial, by, handover });
      const pem = taken.chain.map(({ der }) => toPem('CERTIFICATE', der));
      return reply.code(201).send({
        ...{ serial: taken.certificate.serialHex, certificate: pem[0] ?? '', chain: pem.join('') },
        ...(taken.envelope ? { envelope: { form: taken.envelope.form, bytes: Buffer.from(taken.envelope.bytes).toString('base64') } } : {}),
        ...(taken.pfx ? { pkcs12: Buffer.from(taken.pfx).toString('base64') } : {}),
      });
    },
  );

  api.post(
    '/api/certificates/:serial/revoke',
    {
      schema: {
        tags: ['certificates'],
        summary: 'Revoke a certificate of this organisation or of its devices; it cannot be undone',
        security: tokenOrSession('certificates:revoke'),
        params: serial,
        body: z.object({ reason: z.enum(HOLDER_REASONS as [string, ...string[]]) }),
        response: { 200: z.object({ revokedAt: z.date() }), 409: ProblemSchema, ...missing },
      },
    },
    async (request) => {
      const by = await party(context, request, 'certificates:revoke');
      const reason = request.body.reason as (typeof HOLDER_REASONS)[number];
      return revokeHeldCertificate(context, { serialHex: request.params.serial, reason, by });
    },
  );
}

type Scope = 'certificates:request' | 'certificates:read' | 'certificates:revoke';

async function party(context: WebContext, request: Parameters<typeof authorise>[1], scope: Scope): Promise<OrganisationParty> {
  const by: ApiParty = await authorise(context, request, { scope, role: 'seal-admin' });
  const { organisationId } = by;
  return 'clientId' in by ? { clientId: by.clientId, organisationId } : { personId: by.personId, organisationId };
}

export function plainAnswer(view: CertificateRequestView): z.output<typeof RequestSchema> {
  const { id, requestId, status, profile, suite, keyFingerprint, digest, requestedAt, expiresAt } = view;
  return {
    ...{ id, requestId, status, profile, suite, keyFingerprint, digest, requestedAt, expiresAt },
    ...(view.decidedAt ? { decidedAt: view.decidedAt } : {}),
    ...(view.reason ? { reason: view.reason } : {}),
    ...(view.renewsSerial ? { renews: view.renewsSerial } : {}),
    ...(view.serialHex ? { serial: view.serialHex } : {}),
    ...(view.dnsNames ? { dnsNames: [...view.dnsNames] } : {}),
  };
}

async function answerOf(context: WebContext, view: CertificateRequestView) {
  const [issued, domains] = await Promise.all([fetchIssued(context, view.id), listDomainProofs(context, view.id)]);
  const plain = { ...plainAnswer(view), ...(domains.length > 0 ? { domains } : {}) };
  if (!issued) return plain;
  const pem = issued.chain.map(({ der }) => toPem('CERTIFICATE', der));
  return { ...plain, certificate: pem[0], chain: pem.join('') };
}

function certificateAnswer(held: HeldCertificate): z.output<typeof CertificateSchema> {
  const { serialHex, profile, suite, subject, status, notBefore, notAfter, renewable, keyFingerprint, certificate } = held;
  return {
    ...{ serial: serialHex, profile, suite, subject, status, notBefore, notAfter, renewable, keyFingerprint },
    certificate: toPem('CERTIFICATE', certificate.der),
    ...(held.revokedAt ? { revokedAt: held.revokedAt } : {}),
    ...(held.reason ? { reason: held.reason } : {}),
    ...(held.renewedBy ? { renewedBy: held.renewedBy } : {}),
  };
}
