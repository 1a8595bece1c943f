/** My certificates: get one with a key this browser made, renew, revoke, download; and what I was told about them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { listCertificateNotices, markNoticeRead } from '#certificates/certificate-notices.ts';
import { LIMITS, MIN_PERSON_LEVEL } from '#certificates/enrolment-limits.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { listForeignCertificates } from '#certificates/foreign-certificates.ts';
import { findRecoveryToTake, takeRecoveredKey } from '#certificates/hand-over-key.ts';
import { findHeldCertificate, type HeldCertificate, listHeldCertificates } from '#certificates/held-certificates.ts';
import { renewCertificate } from '#certificates/renew-certificate.ts';
import { requestActingCertificate } from '#certificates/request-acting-certificate.ts';
import { type PersonSession, requestPersonCertificate } from '#certificates/request-person-certificate.ts';
import { revokeHeldCertificate } from '#certificates/revoke-held-certificate.ts';
import { findEncryptionTwin, takeEncryptionCertificate } from '#certificates/take-encryption-certificate.ts';
import { OID } from '#crypto/oids.ts';
import { requireMaskedPerson, requirePerson } from '#people/find-person.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { attributeOf, nameToString } from '#pki/name.ts';
import { toPem } from '#pki/pem.ts';
import { PROFILES } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import { acrLevel } from '#sign-in/acr.ts';
import { certificateWords, reasonChoices } from '#web/certificate-words.ts';
import { KeyFileForm } from '#web/key-file-form.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sendFile } from '#web/send-file.ts';
import { requireSession } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { isFreshEnough } from './fresh-sign-in.ts';
import { MY_SECTIONS } from './sections.ts';

/** Reasons a person can mean; the rest of HOLDER_REASONS speaks of organisations. */
const PERSON_REASONS: readonly RevocationReason[] = ['key-compromise', 'superseded', 'unspecified'];
const NOTICES_SHOWN = 20;

const Request = z.object({
  csr: z.string().min(1).max(65_536).describe('PKCS#10, PEM'),
  requestId: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
  renews: z
    .string()
    .regex(/^[0-9a-f]{2,40}$/)
    .optional()
    .describe('Serial number of the certificate that is to be followed'),
  actsFor: z.uuid().optional().describe('Organisation that the holder represents'),
  mandate: z.uuid().optional().describe('Or acts for under this mandate'),
});
const RevokeForm = z.object({
  reason: z.enum(PERSON_REASONS as [RevocationReason], { error: 'Choose a reason. / 请选择原因。' }),
  sure: z.literal('1', { error: 'Confirm that you want this. / 请确认吊销。' }),
});
export function registerMyCertificateRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get('/my/certificates', options, async (request, reply) => {
    const session = requireSession(request);
    const { personId } = session;
    const [person, masked, certificates, foreign, notices] = await Promise.all([
      requirePerson(context, personId),
      requireMaskedPerson(context, personId),
      listHeldCertificates(context, { personId }),
      listForeignCertificates(context, personId),
      listCertificateNotices(context, { personId }, { limit: NOTICES_SHOWN }),
    ]);
    const living = certificates.filter(({ status, profile }) => status === 'good' && profile === 'person').length;
    const hindrance = person.assuranceLevel < MIN_PERSON_LEVEL ? 'level' : isFreshEnough(context, session) ? undefined : 'fresh';
    const organisationOf = ({ certificate }: HeldCertificate) => attributeOf(certificate.subject, OID.organisation);
    return reply.page('my/certificates', {
      organisationOf,
      ...{ sections: MY_SECTIONS, words: certificateWords, certificates, foreign, notices, masked, hindrance },
      full: living >= LIMITS.person.live,
      limit: LIMITS.person.live,
    });
  });

  server.withTypeProvider<ZodTypeProvider>().post('/my/certificates', { schema: { hide: true, body: Request } }, async (request, reply) => {
    const session = requireSession(request);
    const { personId } = session;
    const { csr, requestId, renews, actsFor: organisationId, mandate: mandateId } = request.body;
    const proved = { acrLevel: acrLevel(session.acr) ?? 1, authTime: session.authTime };
    const asked = { personId, session: proved, csr, requestId };
    const { certificate } = renews
      ? await renewCertificate(context, { serialHex: renews, csr, requestId, by: { personId, session: proved } })
      : organisationId
        ? await requestActingCertificate(context, { ...asked, acting: { organisationId, ...(mandateId ? { mandateId } : {}) } })
        : await requestPersonCertificate(context, asked);
    if (!certificate) throw new Problem('unavailable');
    return reply.code(201).send({ serial: certificate.serialHex, notAfter: certificate.notAfter.toISOString() });
  });

  async function certificatePage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const session = requireSession(request);
    const held = await requireOwn(request);
    const masked = await requireMaskedPerson(context, session.personId);
    if (refusal) reply.code(refusal.status);
    const issuer = nameToString(held.certificate.issuer);
    const organisation = attributeOf(held.certificate.subject, OID.organisation);
    const fresh = isFreshEnough(context, session);
    const reasons = reasonChoices(PERSON_REASONS);
    const [twin, recovery] = await Promise.all([findEncryptionTwin(context, held.serialHex), findRecoveryToTake(context, held.serialHex)]);
    const takesKeyFile = held.status === 'good' && held.suite === 'es256' && PROFILES[held.profile].encryptionTwin !== undefined;
    const shown = { held, issuer, organisation, masked, fresh, reasons, refusal, twin, recovery, takesKeyFile };
    return reply.page('my/certificate', { sections: MY_SECTIONS, words: certificateWords, ...shown });
  }

  /** Another's certificate is not there. */
  async function requireOwn(request: FastifyRequest): Promise<HeldCertificate> {
    const { personId } = requireSession(request);
    const { serial } = request.params as { serial: string };
    const held = /^[0-9a-f]{2,40}$/.test(serial) ? await findHeldCertificate(context, serial) : undefined;
    if (held?.holder.kind !== 'person' || held.holder.personId !== personId) throw new Problem('certificate-not-found');
    return held;
  }

  server.get('/my/certificates/:serial', options, async (request, reply) => certificatePage(request, reply));

  server.get('/my/certificates/:serial/certificate.pem', options, async (request, reply) => {
    const { certificate, serialHex } = await requireOwn(request);
    const { issuing } = await trustedCertificates(context);
    const issuer = issuing.find(({ subject }) => Buffer.compare(subject.der, certificate.issuer.der) === 0);
    const chain = [certificate, ...(issuer ? [issuer] : [])].map(({ der }) => toPem('CERTIFICATE', der)).join('');
    const fileName = `certificate-${serialHex.slice(0, 8)}.pem`;
    return sendFile(reply, { bytes: Buffer.from(chain), fileName, mediaType: 'application/x-pem-file' });
  });

  server.post('/my/certificates/:serial/encryption', options, async (request, reply) =>
    sendKeyFile(request, reply, async (serialHex, by, password) => {
      const { pfx } = await takeEncryptionCertificate(context, { serialHex, by, handover: { as: 'pkcs12', password } });
      if (!pfx) throw new Problem('unavailable');
      return pfx;
    }),
  );

  server.post('/my/certificates/:serial/recovered-key', options, async (request, reply) =>
    sendKeyFile(request, reply, async (serialHex, by, password) => (await takeRecoveredKey(context, { serialHex, by, password })).pfx),
  );

  /** The password is in this request only: in no log, no page and no store. */
  async function sendKeyFile(
    request: FastifyRequest,
    reply: FastifyReply,
    make: (serialHex: string, by: { personId: string; session: PersonSession }, password: string) => Promise<Uint8Array>,
  ) {
    const { personId, acr, authTime } = requireSession(request);
    const { serialHex } = await requireOwn(request);
    const { data, faults } = parseForm(KeyFileForm, request.body);
    if (!data) return certificatePage(request, reply, refusalOfFaults(faults));
    try {
      const by = { personId, session: { acrLevel: acrLevel(acr) ?? 1, authTime } };
      const bytes = await make(serialHex, by, data.password);
      const fileName = `encryption-key-${serialHex.slice(0, 8)}.p12`;
      return sendFile(reply, { bytes, fileName, mediaType: 'application/x-pkcs12' });
    } catch (error) {
      return certificatePage(request, reply, refusalOf(error));
    }
  }

  server.post('/my/certificates/:serial/revoke', options, async (request, reply) => {
    const { personId } = requireSession(request);
    const { serialHex } = await requireOwn(request);
    const { data, faults } = parseForm(RevokeForm, request.body);
    if (!data) return certificatePage(request, reply, refusalOfFaults(faults));
    try {
      await revokeHeldCertificate(context, { serialHex, reason: data.reason, by: { personId } });
    } catch (error) {
      return certificatePage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/my/certificates/${serialHex}`, 303);
  });

  server.post<{ Params: { id: string } }>('/my/certificates/notices/:id/read', options, async (request, reply) => {
    const { personId } = requireSession(request);
    await markNoticeRead(context, { id: requireUuid(request.params.id), reader: { personId } });
    return reply.redirect('/my/certificates#notices', 303);
  });
}
