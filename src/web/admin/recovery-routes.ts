/** Recovering archived encryption keys: one operator asks, another decides, and what goes in an envelope is fetched here once. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { describeCertificate } from '#certificates/describe-certificate.ts';
import { recoverKey } from '#certificates/hand-over-key.ts';
import {
  decideKeyRecovery,
  type KeyRecovery,
  listKeyRecoveries,
  RECOVERY_GROUNDS,
  requestKeyRecovery,
  requireKeyRecovery,
} from '#certificates/recover-key.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { parseCsr } from '#pki/csr.ts';
import { nameToString } from '#pki/name.ts';
import { parsePemBlocks } from '#pki/pem.ts';
import { faultyField, Problem } from '#problem.ts';
import { certificateWords } from '#web/certificate-words.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { groundsChoices, recoveryWords } from '#web/recovery-words.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sendFile } from '#web/send-file.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { describeActor } from './describe-actor.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const PAGE = '/admin/recoveries';
const READERS = ['operator', 'auditor'] as const;

const AskForm = z.object({
  serial: z.string().regex(/^[0-9a-f]{2,40}$/, { error: 'Not a serial number. / 序列号格式不正确。' }),
  grounds: z.enum(RECOVERY_GROUNDS, { error: 'Choose the grounds. / 请选择恢复依据。' }),
  order: z.string().trim().max(100).default(''),
  recipient: z.string().trim().max(16_000).default(''),
  reason: z.string().trim().max(300),
});
const DecisionForm = z.object({
  decision: z.enum(['approve', 'reject'], { error: 'Decide. / 请选择批准或驳回。' }),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  reason: z.string().trim().max(200).default(''),
});

export function registerRecoveryRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };
  const common = { sections: ADMIN_SECTIONS, words: { ...certificateWords, ...recoveryWords } };

  const described = async (recovery: KeyRecovery) => {
    const { certificate, profile } = await describeCertificate(context, recovery.serialHex);
    const [requester, decider] = await Promise.all(
      [recovery.requestedAs, recovery.decidedAs].map((id) => (id ? describeActor(context, `staff:${id}`) : undefined)),
    );
    return { ...recovery, profile, subject: nameToString(certificate.subject), requester, decider };
  };

  server.get(PAGE, options, async (request, reply) => {
    requireStaff(request, READERS);
    const rows = await Promise.all((await listKeyRecoveries(context)).map(described));
    return reply.page('admin/recoveries', { ...common, rows });
  });

  async function askPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    requireStaff(request, 'operator');
    const values = { ...(request.query as Record<string, string>), ...(request.body as Record<string, string> | undefined) };
    if (refusal) reply.code(refusal.status);
    return reply.page('admin/recovery-new', { ...common, values, refusal, grounds: groundsChoices() });
  }

  server.get(`${PAGE}/new`, options, async (request, reply) => askPage(request, reply));

  server.post(PAGE, options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const { data, faults } = parseForm(AskForm, request.body);
    if (!data) return askPage(request, reply, refusalOfFaults(faults));
    try {
      const { serial: serialHex, grounds, order, reason, recipient } = data;
      const recipientSpki = recipient ? recipientKeyOf(recipient) : undefined;
      const asked = { serialHex, grounds, order, reason, by, ...(recipientSpki ? { recipientSpki } : {}) };
      const { id } = await requestKeyRecovery(context, asked);
      return reply.redirect(`${PAGE}/${id}`, 303);
    } catch (error) {
      return askPage(request, reply, refusalOf(error));
    }
  });

  const idOf = (request: FastifyRequest) => requireUuid((request.params as { id: string }).id);

  async function recoveryPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const staff = requireStaff(request, READERS);
    const recovery = await described(await requireKeyRecovery(context, idOf(request)));
    if (refusal) reply.code(refusal.status);
    return reply.page('admin/recovery', { ...common, recovery, refusal, isOwn: recovery.requestedAs === staff.id });
  }

  server.get(`${PAGE}/:id`, options, async (request, reply) => recoveryPage(request, reply));

  server.post(`${PAGE}/:id`, options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const id = idOf(request);
    const { data, faults } = parseForm(DecisionForm, request.body);
    if (!data) return recoveryPage(request, reply, refusalOfFaults(faults));
    try {
      await decideKeyRecovery(context, { id, by, ...data });
    } catch (error) {
      return recoveryPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`${PAGE}/${id}`, 303);
  });

  server.post(`${PAGE}/:id/envelope`, options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    try {
      const { form, bytes, serialHex } = await recoverKey(context, { id: idOf(request), by });
      const ending = form === 'cms' ? 'p7m' : 'sm2-enveloped-key.der';
      return sendFile(reply, { bytes, fileName: `key-${serialHex.slice(0, 8)}.${ending}`, mediaType: 'application/octet-stream' });
    } catch (error) {
      return recoveryPage(request, reply, refusalOf(error));
    }
  });
}

/** From a certificate request, which proves that the receiver has the key, from a certificate, or from a bare public key. */
function recipientKeyOf(pem: string): Uint8Array {
  try {
    const [block, ...more] = parsePemBlocks(pem);
    if (block && more.length === 0) {
      if (/CERTIFICATE REQUEST$/.test(block.label)) return parseCsr(pem).spki;
      if (block.label === 'CERTIFICATE') return parseCertificate(block.der).spki;
      if (block.label === 'PUBLIC KEY') return block.der;
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
  }
  throw faultyField('/recipient', 'One PEM block: request, certificate or public key.', '应为一段 PEM：证书请求、证书或公钥。');
}
