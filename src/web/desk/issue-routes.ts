/** Issuing by form: the form is made from the licence type, so a new type needs no new page. */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { LicencePhoto } from '#documents/page/licence-data.ts';
import { findLicenceType, type LicenceType, listLicenceTypes } from '#documents/page/licence-type.ts';
import { issueLicence } from '#licences/issue-licence.ts';
import { faultyField, Problem } from '#problem.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireStaff } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { findHolder } from './find-holder.ts';
import { pictureFormatOf } from './picture-format.ts';
import { DESK_SECTIONS } from './sections.ts';

const MAX_PHOTO_BYTES = 500_000;
const FIELD_PREFIX = 'fields.';

const IssueForm = z.object({
  requestId: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
  holderNumber: z.string().trim().min(1, 'Fill this in. / 请填写。').max(64),
  holderName: z.string().trim().max(100).default(''),
});

export function registerIssueRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get('/desk/issue', options, async (request, reply) => {
    const staff = requireStaff(request, 'issuer');
    const organisation = await organisationName(context, staff.organisationId);
    return reply.page('desk/choose-type', { sections: DESK_SECTIONS, organisation, types: listLicenceTypes() });
  });

  server.get<{ Params: { type: string } }>('/desk/issue/:type', options, async (request, reply) => {
    requireStaff(request, 'issuer');
    return issuePage(reply, typeOf(request), {});
  });

  server.post<{ Params: { type: string } }>(
    '/desk/issue/:type',
    { ...options, config: { upload: { maxFileBytes: MAX_PHOTO_BYTES } } },
    async (request, reply) => {
      const staff = requireStaff(request, 'issuer');
      const type = typeOf(request);
      const values = valuesOf(request.body);
      const { data, faults } = parseForm(IssueForm, request.body);
      if (!data) return issuePage(reply, type, { values, refusal: refusalOfFaults(faults) });
      try {
        const photo = photoOf(request);
        const holder = await findHolder(context, { kind: type.holderKind, number: data.holderNumber, name: data.holderName }, staff);
        const { licenceId } = await issueLicence(context, {
          type: type.slug,
          holder,
          fields: licenceFieldsOf(values),
          issuerOrganisationId: staff.organisationId,
          by: { personId: staff.personId, organisationId: staff.organisationId },
          photo,
          requestId: data.requestId,
        });
        return reply.redirect(`/desk/licences/${licenceId}?done=issued`, 303);
      } catch (error) {
        return issuePage(reply, type, { values, refusal: refusalOf(error) });
      }
    },
  );
}

function issuePage(reply: FastifyReply, type: LicenceType, shown: { values?: Record<string, string>; refusal?: Refusal }): FastifyReply {
  if (shown.refusal) reply.code(shown.refusal.status);
  return reply.page('desk/issue', { sections: DESK_SECTIONS, type, requestId: randomUUID(), values: {}, ...shown });
}

function typeOf(request: FastifyRequest): LicenceType {
  const type = findLicenceType((request.params as { type: string }).type);
  if (!type) throw new Problem('not-found');
  return type;
}

function valuesOf(body: unknown): Record<string, string> {
  const entries = Object.entries((body ?? {}) as Record<string, unknown>);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}

/** An input left empty says nothing about its field. */
function licenceFieldsOf(values: Record<string, string>): Record<string, string> {
  const named = Object.entries(values).filter(([name, value]) => name.startsWith(FIELD_PREFIX) && value.trim() !== '');
  return Object.fromEntries(named.map(([name, value]) => [name.slice(FIELD_PREFIX.length), value]));
}

function photoOf(request: FastifyRequest): LicencePhoto | undefined {
  const file = request.uploads.get('photo');
  if (!file) return undefined;
  const format = pictureFormatOf(file.bytes);
  if (!format) throw faultyField('/photo', 'The photo must be a PNG or JPEG picture.', '照片应为 PNG 或 JPEG 格式。');
  return { format, bytes: file.bytes };
}
