/** The list of foreign authorities we take: propose, second operator's decision, suspend, take back, remove. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import {
  decideTrustEntry,
  listTrustEntries,
  proposeTrustEntry,
  removeTrustEntry,
  requireTrustEntry,
  resumeTrustEntry,
  suspendTrustEntry,
} from '#certificates/trust-list-entries.ts';
import { constraintsShape } from '#certificates/trust-list-format.ts';
import { OID } from '#crypto/oids.ts';
import { Problem } from '#problem.ts';
import { requireUuid } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireStaff } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { describeActor } from './describe-actor.ts';
import { ADMIN_SECTIONS } from './sections.ts';

const READERS = ['operator', 'auditor'] as const;
const MAX_PEM_BYTES = 100_000;
const PURPOSES = constraintsShape.shape.purposes.element.options;
const OLDEST_FIRST = ['proposed', 'active', 'suspended', 'expired', 'rejected', 'removed'];

const oneOrMany = z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]);
const lines = z
  .string()
  .max(4_000)
  .default('')
  .transform((text) => text.split(/[\s,，]+/).filter(Boolean));
const required = z.string().trim().min(1, 'Fill this in. / 请填写。').max(100);
const ProposalForm = z.object({
  nameZh: required,
  nameEn: required,
  certificates: z.string().max(MAX_PEM_BYTES).default(''),
  purposes: oneOrMany,
  dnsNames: lines,
  organisation: z.string().trim().max(200).default(''),
  maxPathLength: z.union([z.literal('').transform(() => undefined), z.coerce.number().int().min(0).max(10)]).optional(),
  validUntil: z
    .union([z.literal(''), z.iso.date()])
    .default('')
    .transform((day) => (day ? new Date(`${day}T00:00:00+08:00`) : undefined)),
  official: z.literal('1').optional(),
  signInLevel: z.enum(['', '3', '4', '5']).default(''),
  numberIn: z.enum(['identify-code', 'extension', 'subject']).default('identify-code'),
  numberOid: z.string().trim().max(80).default(''),
  numberPrefix: z.string().trim().max(40).default(''),
});
const ActForm = z.object({ digest: z.string().max(64).default(''), reason: z.string().trim().max(200).default('') });

export function registerTrustListRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };
  const upload = { ...options, config: { upload: { maxFileBytes: MAX_PEM_BYTES } } };

  async function listPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    requireStaff(request, READERS);
    const entries = await listTrustEntries(context);
    entries.sort((one, other) => OLDEST_FIRST.indexOf(one.state) - OLDEST_FIRST.indexOf(other.state));
    if (refusal) reply.code(refusal.status);
    const values = (request.body ?? {}) as Record<string, unknown>;
    return reply.page('admin/trust-list', { sections: ADMIN_SECTIONS, entries, purposes: PURPOSES, refusal, values });
  }

  server.get('/admin/trust-list', options, async (request, reply) => listPage(request, reply));

  server.post('/admin/trust-list', upload, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const { data, faults } = parseForm(ProposalForm, request.body);
    if (!data) return listPage(request, reply, refusalOfFaults(faults));
    try {
      const { nameZh, nameEn, official, validUntil } = data;
      const file = request.uploads.get('file')?.bytes;
      const certificates = file ? Buffer.from(file).toString('latin1') : data.certificates;
      const names = { by, nameZh, nameEn, certificates, official: official === '1' };
      const entry = await proposeTrustEntry(context, { ...names, constraints: constraintsOf(data), ...(validUntil ? { validUntil } : {}) });
      return reply.redirect(`/admin/trust-list/${entry.id}`, 303);
    } catch (error) {
      return listPage(request, reply, refusalOf(error));
    }
  });

  async function entryPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    requireStaff(request, READERS);
    const entry = await requireTrustEntry(context, requireUuid((request.params as { id: string }).id));
    const importer = await describeActor(context, entry.importedBy);
    const approver = entry.approvedBy ? await describeActor(context, entry.approvedBy) : undefined;
    if (refusal) reply.code(refusal.status);
    return reply.page('admin/trust-entry', { sections: ADMIN_SECTIONS, entry, importer, approver, refusal });
  }

  server.get('/admin/trust-list/:id', options, async (request, reply) => entryPage(request, reply));

  server.post<{ Params: { id: string; act: string } }>('/admin/trust-list/:id/:act', options, async (request, reply) => {
    const by = requireStaff(request, 'operator');
    const id = requireUuid(request.params.id);
    const { data, faults } = parseForm(ActForm, request.body);
    if (!data) return entryPage(request, reply, refusalOfFaults(faults));
    const { digest, reason } = data;
    const acts: Record<string, () => Promise<unknown>> = {
      approve: () => decideTrustEntry(context, { id, by, decision: 'approve', digest }),
      reject: () => decideTrustEntry(context, { id, by, decision: 'reject', digest, ...(reason ? { reason } : {}) }),
      suspend: () => suspendTrustEntry(context, { id, by, reason }),
      resume: () => resumeTrustEntry(context, { id, by }),
      remove: () => removeTrustEntry(context, { id, by, reason }),
    };
    const act = Object.hasOwn(acts, request.params.act) ? acts[request.params.act] : undefined;
    if (!act) throw new Problem('not-found');
    try {
      await act();
    } catch (error) {
      return entryPage(request, reply, refusalOf(error));
    }
    return reply.redirect(`/admin/trust-list/${id}`, 303);
  });
}

/** Names below which the authority may certify: DNS spaces, and one organisation of China; and whether people sign in under it. */
function constraintsOf(form: z.output<typeof ProposalForm>): unknown {
  const { purposes, dnsNames, organisation, maxPathLength, signInLevel, numberIn, numberOid: oid, numberPrefix: prefix } = form;
  const country = { oid: OID.country, value: 'CN' };
  const permittedNames = [
    ...dnsNames.map((value) => ({ kind: 'dns', value })),
    ...(organisation ? [{ kind: 'directory', attributes: [country, { oid: OID.organisation, value: organisation }] }] : []),
  ];
  const number = numberIn === 'identify-code' ? { in: numberIn } : { in: numberIn, oid, ...(prefix ? { prefix } : {}) };
  return {
    purposes,
    ...(permittedNames.length > 0 ? { permittedNames } : {}),
    ...(maxPathLength === undefined ? {} : { maxPathLength }),
    ...(signInLevel ? { signIn: { number, level: Number(signInLevel) } } : {}),
  };
}
