/** Redeeming a presented code, for counters' own systems. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { redeemCode } from '#licences/redeem-code.ts';
import { reportOfflineUse } from '#licences/report-offline-use.ts';
import type { WebContext } from '#web/web-context.ts';
import { authorise } from './authorise.ts';
import { RedemptionSchema, refusals, tokenOrSession } from './schemas.ts';

const requestId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{8,64}$/, 'Chosen by the caller, 8–64 of A–Z a–z 0–9 _ - / 由调用方生成，8至64位字母、数字、下划线或连字符');
const purpose = z.string().trim().min(2).max(200).describe('A catalogue key or 2–200 characters; the holder reads it');

export function registerCodeOperations(server: FastifyInstance, context: WebContext): void {
  const api = server.withTypeProvider<ZodTypeProvider>();

  api.post(
    '/api/codes/redeem',
    {
      schema: {
        tags: ['codes'],
        summary: 'Redeem a presented code: verdict, licence, signed receipt',
        description: 'Every verdict answers 200. The same request id sent again gets the same answer and receipt.',
        security: tokenOrSession('codes:redeem'),
        body: z.object({
          input: z.string().min(1).max(2_000).describe('As scanned or typed: the code’s digits or its twenty-digit twin'),
          purpose,
          requestId,
        }),
        response: { 200: RedemptionSchema, ...refusals },
      },
    },
    async (request) => {
      const staff = await authorise(context, request, { scope: 'codes:redeem', role: 'counter' });
      return redeemCode(context, { ...request.body, staff });
    },
  );

  api.post(
    '/api/codes/offline-uses',
    {
      schema: {
        tags: ['codes'],
        summary: 'Report a code that was accepted without network',
        security: tokenOrSession('codes:redeem'),
        body: z.object({ digits: z.string().min(1).max(2_000), purpose, usedAt: z.iso.datetime({ offset: true }), requestId }),
        response: { 200: z.object({ accepted: z.boolean(), secondUse: z.boolean(), verdict: z.string() }), ...refusals },
      },
    },
    async (request) => {
      const staff = await authorise(context, request, { scope: 'codes:redeem', role: 'counter' });
      return reportOfflineUse(context, { ...request.body, usedAt: new Date(request.body.usedAt), staff });
    },
  );
}
