/**
 * The organisation's seals, and applying for one: fill in, look at the picture, apply. What is done with a seal then is on its own page
 * (`seal-page.ts`).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { listApprovals } from '#access/find-approvals.ts';
import type { Staff } from '#access/staff.ts';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { Problem } from '#problem.ts';
import { applyForSeal, previewSeal, type SealApplication } from '#seals/apply-for-seal.ts';
import { checkSealPicture, MAX_PICTURE_BYTES } from '#seals/check-seal-picture.ts';
import { listSeals } from '#seals/find-seals.ts';
import { CHANGE_SEAL_RULES, DESTROY_SEAL } from '#seals/request-seal-change.ts';
import { SEAL_KIND_NAMES, SEAL_KINDS } from '#seals/seal-kinds.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { sealWords } from '#web/seal-words.ts';
import { requireStaff } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { findPreviewed, keepPreviewed } from './previewed-picture.ts';
import { SEAL_ROLES } from './seal-page.ts';
import { DESK_SECTIONS } from './sections.ts';

const SEAL_CHANGES: readonly string[] = [CHANGE_SEAL_RULES, DESTROY_SEAL];
const DIAMETERS_MM = [...new Set(Object.values(SEAL_KINDS).flatMap(({ diametersMm }) => [...diametersMm]))].sort((a, b) => a - b);

const oneOrMany = z.union([z.string().transform((one) => [one]), z.array(z.string())]).default([]);
const millimetres = z
  .string()
  .trim()
  .regex(/^\d{0,3}$/, 'A whole number. / 请填写整数。')
  .default('')
  .transform((digits) => (digits === '' ? undefined : Number(digits)));
const ApplyForm = z.object({
  kind: z.enum(SEAL_KIND_NAMES as [keyof typeof SEAL_KINDS], { error: 'Choose a kind. / 请选择印章种类。' }),
  purpose: z.string().trim().max(40).default(''),
  bearerName: z.string().trim().max(40).default(''),
  diameterMm: millimetres,
  centre: z.enum(['star', 'none']).default('star'),
  licenceTypes: oneOrMany,
  replaces: z.union([z.literal(''), z.uuid()]).default(''),
  widthMm: millimetres,
  /** Of a picture looked at before. */
  pictureId: z.string().max(60).default(''),
});
type ApplyValues = z.output<typeof ApplyForm>;

export function registerSealRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function sealsPage(request: FastifyRequest, reply: FastifyReply, refusal: Refusal | undefined = undefined) {
    const staff = requireStaff(request, SEAL_ROLES);
    if (refusal) reply.code(refusal.status);
    const { organisationId } = staff;
    const [organisation, seals, approvals] = await Promise.all([
      organisationName(context, organisationId),
      listSeals(context, { organisationId }),
      listApprovals(context, { organisationId, status: 'pending', limit: 500 }),
    ]);
    const changing = new Set(approvals.filter(({ kind }) => SEAL_CHANGES.includes(kind)).map(({ subject }) => subject));
    const values = (request.body ?? request.query ?? {}) as { licenceTypes?: string | string[] };
    return reply.page('desk/seals', {
      sections: DESK_SECTIONS,
      organisation,
      seals: seals.map((seal) => ({ ...seal, waits: changing.has(`seal:${seal.id}`) })),
      types: listLicenceTypes(),
      kinds: SEAL_KIND_NAMES,
      diameters: DIAMETERS_MM,
      words: sealWords,
      refusal,
      values: { ...values, licenceTypes: [values.licenceTypes ?? []].flat() },
    });
  }

  server.get('/desk/seals', options, async (request, reply) => sealsPage(request, reply));

  server.post('/desk/seals/preview', { ...options, config: { upload: { maxFileBytes: MAX_PICTURE_BYTES } } }, async (request, reply) => {
    const staff = requireStaff(request, 'seal-admin');
    const { data, faults } = parseForm(ApplyForm, request.body);
    if (!data) return sealsPage(request, reply, refusalOfFaults(faults));
    try {
      const bytes = request.uploads.get('picture')?.bytes;
      const given = bytes && checkSealPicture({ kind: data.kind, bytes, widthMm: widthOf(data) });
      const picture = given && { bytes: given.png, widthMm: given.widthMm };
      const shown = await previewSeal(context, applicationOf(data, staff, picture));
      const pictureId = picture ? await keepPreviewed(context, staff, picture) : '';
      return reply.page('desk/seal-preview', {
        sections: DESK_SECTIONS,
        ...{ values: { ...data, pictureId }, seal: shown, words: sealWords },
        types: listLicenceTypes().filter(({ slug }) => data.licenceTypes.includes(slug)),
        picture: `data:image/png;base64,${Buffer.from(shown.png).toString('base64')}`,
      });
    } catch (error) {
      return sealsPage(request, reply, refusalOf(error));
    }
  });

  server.post('/desk/seals', options, async (request, reply) => {
    const staff = requireStaff(request, 'seal-admin');
    const { data, faults } = parseForm(ApplyForm, request.body);
    if (!data) return sealsPage(request, reply, refusalOfFaults(faults));
    try {
      const picture = data.pictureId ? await findPreviewed(context, staff, data.pictureId) : undefined;
      const { sealId } = await applyForSeal(context, applicationOf(data, staff, picture));
      return reply.redirect(`/desk/seals/${sealId}`, 303);
    } catch (error) {
      return sealsPage(request, reply, refusalOf(error));
    }
  });
}

function applicationOf(data: ApplyValues, { personId, organisationId }: Staff, picture: SealApplication['picture']): SealApplication {
  const { kind, purpose, bearerName, diameterMm, centre, licenceTypes, replaces } = data;
  const known = listLicenceTypes().map(({ slug }) => slug);
  if (!licenceTypes.every((slug) => known.includes(slug))) throw new Problem('licence-type-not-found');
  return {
    ...{ organisationId, kind, licenceTypes, by: { personId }, star: centre === 'star' },
    ...(purpose ? { purpose } : {}),
    ...(bearerName ? { bearerName } : {}),
    // Where the kind has no such size, the form's choice means nothing.
    ...(diameterMm !== undefined && (SEAL_KINDS[kind].diametersMm as readonly number[]).length > 0 ? { diameterMm } : {}),
    ...(replaces ? { replaces } : {}),
    ...(picture ? { picture } : {}),
  };
}

/** Of a round seal its diameter, of an oval one its only width; else what was filled in. */
function widthOf({ kind, widthMm, diameterMm }: ApplyValues): number {
  if (widthMm !== undefined) return widthMm;
  const { drawing, diametersMm, givenMm } = SEAL_KINDS[kind];
  if (drawing === 'round') return diameterMm ?? diametersMm[0];
  return drawing === 'oval' ? givenMm.least : 0;
}
