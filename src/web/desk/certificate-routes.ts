/** Certificates of the organisation: ask for one with a PKCS#10 request, see how it stands, fetch it, take back, revoke. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { cancelCertificateRequest } from '#certificates/cancel-certificate-request.ts';
import { checkDomains, listDomainProofs } from '#certificates/check-domains.ts';
import type { CertificateRequestView } from '#certificates/enrolment.ts';
import { fetchIssued, listCertificateRequests, requireCertificateRequest } from '#certificates/find-certificate-request.ts';
import { findRecoveryToTake } from '#certificates/hand-over-key.ts';
import { findHeldCertificate } from '#certificates/held-certificates.ts';
import { ORGANISATION_PROFILES, requestOrganisationCertificate } from '#certificates/request-organisation-certificate.ts';
import { HOLDER_REASONS, revokeHeldCertificate } from '#certificates/revoke-held-certificate.ts';
import { findEncryptionTwin } from '#certificates/take-encryption-certificate.ts';
import { requireOrganisation } from '#people/organisations.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { toPem } from '#pki/pem.ts';
import { PROFILES } from '#pki/profiles.ts';
import { faultyField, Problem } from '#problem.ts';
import { certificateWords, profileWords, reasonChoices } from '#web/certificate-words.ts';
import { cursorOf, requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sendFile } from '#web/send-file.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { registerDeskEncryptionRoutes } from './encryption-routes.ts';
import { DESK_SECTIONS } from './sections.ts';

const PAGE_SIZE = 20;
const MAX_REQUEST_BYTES = 64 * 1024;
const PAGE = '/desk/certificates';

const AskForm = z.object({
  profile: z.enum(ORGANISATION_PROFILES as ['organisation', 'document-signer', 'service-client', 'web-server'], {
    error: 'Choose a kind. / 请选择类别。',
  }),
  requestId: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
  dnsNames: z
    .string()
    .max(3_000)
    .default('')
    .transform((text) => text.split(/[\s,;，；、]+/).filter(Boolean)),
});
const RevokeForm = z.object({ reason: z.enum(HOLDER_REASONS as [RevocationReason], { error: 'Choose a reason. / 请选择原因。' }) });

export function registerDeskCertificateRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function listPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const { organisationId } = requireStaff(request, 'seal-admin');
    const organisation = await requireOrganisation(context, organisationId);
    const cursor = cursorOf(request.query);
    const holder = { kind: 'organisation', organisationId } as const;
    const page = await listCertificateRequests(context, { holder, cursor, limit: PAGE_SIZE });
    const allowed = ORGANISATION_PROFILES.filter((profile) => profile !== 'document-signer' || organisation.kind === 'department');
    if (refusal) reply.code(refusal.status);
    const profiles = allowed.map((value) => ({ value, ...profileWords(value) }));
    const shown = { organisation, profiles, refusal, values: request.body ?? {}, requestId: randomUUID(), first: cursor === undefined };
    return reply.page('desk/certificates', { sections: DESK_SECTIONS, words: certificateWords, ...page, ...shown });
  }

  server.get(PAGE, options, async (request, reply) => listPage(request, reply));

  server.post(PAGE, { ...options, config: { upload: { maxFileBytes: MAX_REQUEST_BYTES } } }, async (request, reply) => {
    const { personId, organisationId } = requireStaff(request, 'seal-admin');
    const { data, faults } = parseForm(AskForm, request.body);
    if (!data) return listPage(request, reply, refusalOfFaults(faults));
    try {
      const csr = request.uploads.get('file')?.bytes;
      if (!csr) throw faultyField('/file', 'Choose a file.', '请选择文件。');
      const asked = await requestOrganisationCertificate(context, { by: { personId, organisationId }, csr, ...data });
      return reply.redirect(`${PAGE}/${asked.id}`, 303);
    } catch (error) {
      return listPage(request, reply, refusalOf(error));
    }
  });

  /** What another organisation asked for is not there. */
  async function requireOwn(request: FastifyRequest): Promise<CertificateRequestView> {
    const { organisationId } = requireStaff(request, 'seal-admin');
    const asked = await requireCertificateRequest(context, requireUuid((request.params as { id: string }).id));
    if (asked.holder.kind !== 'organisation' || asked.holder.organisationId !== organisationId) {
      throw new Problem('certificate-request-not-found');
    }
    return asked;
  }

  async function requestPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const asked = await requireOwn(request);
    const held = asked.serialHex ? await findHeldCertificate(context, asked.serialHex) : undefined;
    if (refusal) reply.code(refusal.status);
    const [twin, recovery] = held
      ? await Promise.all([findEncryptionTwin(context, held.serialHex), findRecoveryToTake(context, held.serialHex)])
      : [];
    const mayTakeTwin = held?.status === 'good' && PROFILES[held.profile].encryptionTwin !== undefined;
    const domains = await listDomainProofs(context, asked.id);
    const shown = { asked, domains, held, twin, recovery, mayTakeTwin, refusal, reasons: reasonChoices(HOLDER_REASONS) };
    return reply.page('desk/certificate', { sections: DESK_SECTIONS, words: certificateWords, ...shown });
  }

  server.get(`${PAGE}/:id`, options, async (request, reply) => requestPage(request, reply));

  registerDeskEncryptionRoutes(server, context, requestPage);

  server.get(`${PAGE}/:id/certificate.pem`, options, async (request, reply) => {
    const { id } = await requireOwn(request);
    const issued = await fetchIssued(context, id);
    if (!issued) throw new Problem('certificate-not-found');
    const pem = issued.chain.map(({ der }) => toPem('CERTIFICATE', der)).join('');
    const fileName = `${issued.certificate.serialHex}.pem`;
    return sendFile(reply, { bytes: Buffer.from(pem), fileName, mediaType: 'application/x-pem-file' });
  });

  server.post(`${PAGE}/:id/domains`, options, async (request, reply) => {
    const { personId, organisationId } = requireStaff(request, 'seal-admin');
    const { id } = await requireOwn(request);
    try {
      await checkDomains(context, { id, by: { personId, organisationId } });
    } catch (error) {
      return requestPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`${PAGE}/${id}#domains`, 303);
  });

  server.post(`${PAGE}/:id/cancel`, options, async (request, reply) => {
    const { personId, organisationId } = requireStaff(request, 'seal-admin');
    const { id } = await requireOwn(request);
    try {
      await cancelCertificateRequest(context, { id, by: { personId, organisationId } });
    } catch (error) {
      return requestPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`${PAGE}/${id}`, 303);
  });

  server.post(`${PAGE}/:id/revoke`, options, async (request, reply) => {
    const { personId, organisationId } = requireStaff(request, 'seal-admin');
    const { id, serialHex = '' } = await requireOwn(request);
    const { data, faults } = parseForm(RevokeForm, request.body);
    if (!data) return requestPage(request, reply, refusalOfFaults(faults));
    try {
      await revokeHeldCertificate(context, { serialHex, reason: data.reason, by: { personId, organisationId } });
    } catch (error) {
      return requestPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`${PAGE}/${id}`, 303);
  });
}
