/** Licences for departments' systems: issue, read, files, status. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { changeStatus } from '#licences/change-status.ts';
import { issueLicence } from '#licences/issue-licence.ts';
import { LICENCE_STATUSES } from '#licences/licence-status.ts';
import { findLicenceForDesk, listRegistry } from '#licences/list-registry.ts';
import type { LicenceHolder } from '#licences/prepare-licence.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { findPersonIdByCitizenNumber } from '#people/find-person.ts';
import { findOrganisationByCode } from '#people/organisations.ts';
import { faultyField } from '#problem.ts';
import { pictureFormatOf } from '#web/desk/picture-format.ts';
import { sendFile } from '#web/send-file.ts';
import type { WebContext } from '#web/web-context.ts';
import { authorise } from './authorise.ts';
import { LicenceSchema, refusals, tokenOrSession } from './schemas.ts';

const id = z.object({ id: z.uuid() });
const requestId = z.string().regex(/^[A-Za-z0-9_-]{8,64}$/);
/** 500 kB as Base64. */
const MAX_PHOTO_CHARACTERS = 680_000;

const Holder = z.union([
  z.strictObject({ citizenNumber: z.string().min(15).max(40) }),
  z.strictObject({ uscc: z.string().min(18).max(40) }),
]);

export function registerLicenceOperations(server: FastifyInstance, context: WebContext): void {
  const api = server.withTypeProvider<ZodTypeProvider>();

  api.post(
    '/api/licences',
    {
      schema: {
        tags: ['licences'],
        summary: 'Issue a licence: number, OFD and PDF, both sealed',
        description: 'The same request id sent again gives the same licence.',
        security: tokenOrSession('licences:issue'),
        body: z.object({
          type: z.string().min(1).max(40).describe('Type code (21 characters) or short name'),
          holder: Holder,
          fields: z.record(z.string().max(60), z.string().max(2_000)).describe('By the type’s field keys'),
          photo: z.base64().max(MAX_PHOTO_CHARACTERS).optional().describe('PNG or JPEG'),
          replaces: z.uuid().optional(),
          requestId: requestId.optional(),
        }),
        response: { 201: z.object({ licenceId: z.string(), identifier: z.string(), publicAddress: z.string() }), ...refusals },
      },
    },
    async (request, reply) => {
      const by = await authorise(context, request, { scope: 'licences:issue', role: 'issuer' });
      const { holder, photo, ...input } = request.body;
      const issued = await issueLicence(context, {
        ...input,
        holder: await requireHolder(context, holder),
        photo: photo === undefined ? undefined : photoOf(photo),
        issuerOrganisationId: by.organisationId,
        by,
      });
      const { licenceId, identifier, publicToken } = issued;
      return reply.code(201).send({ licenceId, identifier, publicAddress: `${context.publicOrigin}/v/${publicToken}` });
    },
  );

  api.get(
    '/api/licences',
    {
      schema: {
        tags: ['licences'],
        summary: 'What this organisation issued, newest first, holders masked',
        security: tokenOrSession('licences:read'),
        querystring: z.object({
          status: z.enum(LICENCE_STATUSES).optional(),
          type: z.string().max(40).optional(),
          cursor: z.string().max(200).optional(),
          limit: z.coerce.number().int().min(1).max(100).default(20),
        }),
        response: { 200: z.object({ items: z.array(LicenceSchema.partial()), nextCursor: z.string().optional() }), ...refusals },
      },
    },
    async (request) => {
      const by = await authorise(context, request, { scope: 'licences:read', role: 'issuer' });
      return listRegistry(context, { ...request.query, organisationId: by.organisationId, by });
    },
  );

  api.get(
    '/api/licences/:id',
    {
      schema: {
        tags: ['licences'],
        summary: 'One licence this organisation issued',
        security: tokenOrSession('licences:read'),
        params: id,
        response: { 200: LicenceSchema, ...refusals },
      },
    },
    async (request) => {
      const by = await authorise(context, request, { scope: 'licences:read', role: 'issuer' });
      return findLicenceForDesk(context, { licenceId: request.params.id, by });
    },
  );

  api.get(
    '/api/licences/:id/files/:format',
    {
      schema: {
        tags: ['licences'],
        summary: 'The sealed file; the purpose enters the holder’s log',
        security: tokenOrSession('licences:read'),
        params: z.object({ id: z.uuid(), format: z.enum(['ofd', 'pdf']) }),
        querystring: z.object({ purpose: z.string().trim().min(2).max(200) }),
      },
    },
    async (request, reply) => {
      const by = await authorise(context, request, { scope: 'licences:read', role: 'issuer' });
      const reader = { as: 'staff', by, purpose: request.query.purpose } as const;
      return sendFile(reply, await readLicenceFile(context, { licenceId: request.params.id, format: request.params.format, reader }));
    },
  );

  api.post(
    '/api/licences/:id/status',
    {
      schema: {
        tags: ['licences'],
        summary: 'Suspend, restore or end a licence',
        security: tokenOrSession('licences:status'),
        params: id,
        body: z.object({
          status: z.enum(['in-force', 'suspended', 'revoked', 'punitively-revoked', 'cancelled']),
          reason: z.string().trim().min(2).max(200),
        }),
        response: { 200: z.object({ status: z.string(), at: z.date() }), ...refusals },
      },
    },
    async (request) => {
      const by = await authorise(context, request, { scope: 'licences:status', role: 'issuer' });
      return changeStatus(context, { ...request.body, licenceId: request.params.id, by });
    },
  );
}

async function requireHolder(context: WebContext, holder: z.output<typeof Holder>): Promise<LicenceHolder> {
  if ('uscc' in holder) {
    const organisation = await findOrganisationByCode(context, holder.uscc);
    if (!organisation) throw faultyField('/holder/uscc', 'No organisation with this code is registered.', '未登记该代码的机构。');
    return { organisationId: organisation.id };
  }
  const personId = await findPersonIdByCitizenNumber(context, holder.citizenNumber);
  if (personId === undefined) throw faultyField('/holder/citizenNumber', 'Nobody is registered with this number.', '该人员尚未登记。');
  return { personId };
}

function photoOf(base64: string) {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  const format = pictureFormatOf(bytes);
  if (!format) throw faultyField('/photo', 'The photo must be a PNG or JPEG picture.', '照片应为 PNG 或 JPEG 格式。');
  return { format, bytes };
}
