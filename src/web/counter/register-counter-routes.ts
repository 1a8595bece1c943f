/**
 * The counter: say what for, read the code by camera, scanner gun or typing, see verdict and licence.
 * One form does all three, so it works without JavaScript; a request id makes sending it twice harmless.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { findLookUpsByStaff } from '#licences/find-look-ups.ts';
import { PURPOSES } from '#licences/purposes.ts';
import { redeemCode } from '#licences/redeem-code.ts';
import { cursorOf } from '#web/path-parameters.ts';
import { type Refusal, refusalOf, refusalOfFaults } from '#web/refusal.ts';
import { requireStaff } from '#web/session.ts';
import { organisationName } from '#web/staff-position.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import type { WebContext } from '#web/web-context.ts';
import { COUNTER_SECTIONS } from './sections.ts';

const PAGE_SIZE = 20;
/** The select's value for free words. */
const OTHER = 'other';

/** Digits of a code with room for blanks, hyphens and line ends that scanners and people add. */
const MAX_INPUT = 2_000;

const RedeemForm = z.object({
  purpose: z.string({ error: 'Choose what for. / 请选择用途。' }).min(1, 'Choose what for. / 请选择用途。').max(200),
  otherPurpose: z.string().trim().max(200).default(''),
  input: z
    .string({ error: 'Read or type a code. / 请扫码或输入短号。' })
    .trim()
    .min(1, 'Read or type a code. / 请扫码或输入短号。')
    .max(MAX_INPUT),
  requestId: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
});

export function registerCounterRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  async function counterPage(
    request: FastifyRequest,
    reply: FastifyReply,
    shown: { purpose?: string; otherPurpose?: string; refusal?: Refusal },
  ) {
    const staff = requireStaff(request, 'counter');
    if (shown.refusal) reply.code(shown.refusal.status);
    const organisation = await organisationName(context, staff.organisationId);
    return reply.page(
      'counter/read',
      {
        sections: COUNTER_SECTIONS,
        organisation,
        severalPositions: request.positions.length > 1,
        purposes: PURPOSES,
        requestId: randomUUID(),
        ...shown,
      },
      { wasm: true },
    );
  }

  server.get<{ Querystring: { purpose?: string } }>('/counter', options, async (request, reply) => {
    const { purpose } = request.query;
    const known = PURPOSES.some(({ key }) => key === purpose);
    return counterPage(request, reply, known && purpose ? { purpose } : {});
  });

  server.post('/counter', options, async (request, reply) => {
    const staff = requireStaff(request, 'counter');
    const { data, faults } = parseForm(RedeemForm, request.body);
    if (!data) {
      const { purpose, otherPurpose } = (request.body ?? {}) as Record<string, unknown>;
      return counterPage(request, reply, {
        purpose: textOf(purpose),
        otherPurpose: textOf(otherPurpose),
        refusal: refusalOfFaults(faults),
      });
    }
    const purpose = data.purpose === OTHER ? data.otherPurpose : data.purpose;
    try {
      const result = await redeemCode(context, {
        input: data.input,
        staff: { personId: staff.personId, organisationId: staff.organisationId },
        purpose,
        requestId: data.requestId,
      });
      const organisation = await organisationName(context, staff.organisationId);
      return reply.page('counter/result', { sections: COUNTER_SECTIONS, organisation, result, purpose: data.purpose });
    } catch (error) {
      const { purpose: chosen, otherPurpose } = data;
      return counterPage(request, reply, { purpose: chosen, otherPurpose, refusal: refusalOf(error) });
    }
  });

  server.get('/counter/history', options, async (request, reply) => {
    const { personId, organisationId } = requireStaff(request, 'counter');
    const cursor = cursorOf(request.query);
    const page = await findLookUpsByStaff(context, { by: { personId, organisationId }, organisationId, cursor, limit: PAGE_SIZE });
    return reply.page('counter/history', { sections: COUNTER_SECTIONS, ...page, first: cursor === undefined });
  });

  server.get('/counter/offline', options, async (request, reply) => {
    requireStaff(request, 'counter');
    return reply.page('counter/offline', { sections: COUNTER_SECTIONS });
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 200) : '';
}
