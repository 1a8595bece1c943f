/** Certificates of our own authorities: finding one, everything about it, revoking it; and those that end soon. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { describeCertificate } from '#certificates/describe-certificate.ts';
import { OPERATOR_REASONS, reasonsFor, releaseAsOperator, revokeAsOperator } from '#certificates/revoke-as-operator.ts';
import { type FoundPage, listEndingCertificates, SEARCHED_STATES, searchCertificates } from '#certificates/search-certificates.ts';
import type { RevocationReason } from '#pki/crl.ts';
import { nameToString } from '#pki/name.ts';
import { toPem } from '#pki/pem.ts';
import { PROFILES } from '#pki/profiles.ts';
import { Problem } from '#problem.ts';
import { certificateWords, profileWords, reasonChoices } from '#web/certificate-words.ts';
import { cursorOf } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sendFile } from '#web/send-file.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { describeActor } from './describe-actor.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const PAGE_SIZE = 50;
const ENDING_DAYS = 90;
const READERS = ['operator', 'auditor'] as const;
const CHOICES = Object.keys(PROFILES).map((value) => ({ value, ...profileWords(value) }));

const Search = z.object({
  text: z.string().trim().max(64).default(''),
  profile: z.string().max(40).default(''),
  state: z.enum([...SEARCHED_STATES, 'ending', '']).default(''),
});
const RevokeForm = z.object({
  reason: z.enum(OPERATOR_REASONS as [RevocationReason], { error: 'Choose a reason. / 请选择原因。' }),
  sure: z.literal('1', { error: 'Confirm that you want this. / 请确认吊销。' }),
});

export function registerCertificateRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get('/admin/trust', options, async (_request, reply) => reply.redirect('/admin/certificates', 301));

  server.get<{ Querystring: Record<string, string> }>('/admin/certificates', options, async (request, reply) => {
    requireStaff(request, READERS);
    const { data } = parseForm(Search, request.query);
    const { text, profile, state } = data ?? { text: '', profile: '', state: '' as const };
    const cursor = cursorOf(request.query);
    const page: FoundPage =
      state === 'ending'
        ? await listEndingCertificates(context, { days: ENDING_DAYS, cursor, limit: PAGE_SIZE })
        : await searchCertificates(context, { text, profile, state: state || undefined, cursor, limit: PAGE_SIZE });
    const query = new URLSearchParams({ text, profile, state }).toString();
    const shown = { values: { text, profile, state }, query, first: cursor === undefined, profiles: CHOICES };
    return reply.page('admin/certificates', { sections: ADMIN_SECTIONS, words: certificateWords, ...shown, ...page });
  });

  const serialOf = (request: FastifyRequest) => {
    const { serial } = request.params as { serial: string };
    if (!/^[0-9a-f]{2,40}$/.test(serial)) throw new Problem('certificate-not-found');
    return serial;
  };

  async function certificatePage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    requireStaff(request, READERS);
    const facts = await describeCertificate(context, serialOf(request));
    const { request: asked, revokedBy, issuedBy, chain } = facts;
    const [by, revoker, requester, decider] = await Promise.all(
      [issuedBy, revokedBy, asked?.requestedBy, asked?.decidedBy].map((actor) => (actor ? describeActor(context, actor) : undefined)),
    );
    const links = chain.map(({ subject, serialHex }) => ({ name: nameToString(subject), serialHex }));
    if (refusal) reply.code(refusal.status);
    const held = facts.status.status === 'revoked' && facts.status.reason === 'certificate-hold';
    const reasons = reasonChoices(reasonsFor({ profile: facts.profile, held }));
    const shown = {
      ...{ by, revoker, requester, decider, links, refusal, reasons, held },
      subject: nameToString(facts.certificate.subject),
    };
    return reply.page('admin/certificate', { sections: ADMIN_SECTIONS, words: certificateWords, facts, ...shown });
  }

  server.get('/admin/certificates/:serial', options, async (request, reply) => certificatePage(request, reply));

  server.get('/admin/certificates/:serial/certificate.pem', options, async (request, reply) => {
    requireStaff(request, READERS);
    const { chain, serialHex } = await describeCertificate(context, serialOf(request));
    const pem = chain.map(({ der }) => toPem('CERTIFICATE', der)).join('');
    return sendFile(reply, { bytes: Buffer.from(pem), fileName: `${serialHex}.pem`, mediaType: 'application/x-pem-file' });
  });

  server.post('/admin/certificates/:serial/revoke', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const serialHex = serialOf(request);
    const { data, faults } = parseForm(RevokeForm, request.body);
    if (!data) return certificatePage(request, reply, refusalOfFaults(faults));
    try {
      await revokeAsOperator(context, { serialHex, reason: data.reason, by });
    } catch (error) {
      return certificatePage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/admin/certificates/${serialHex}`, 303);
  });

  server.post('/admin/certificates/:serial/release', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const serialHex = serialOf(request);
    try {
      await releaseAsOperator(context, { serialHex, by });
    } catch (error) {
      return certificatePage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/admin/certificates/${serialHex}`, 303);
  });
}
