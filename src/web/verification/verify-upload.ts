/** What the public page and the API share: judge one uploaded file against this installation's trust and look up the licence's state. */
import type { FastifyRequest } from 'fastify';
import { findLicenceStatus } from '#licences/find-public-licence.ts';
import type { WebContext } from '#web/web-context.ts';
import { readTrust } from './read-trust.ts';
import { MAX_VERIFIED_BYTES, receiveFile } from './receive-file.ts';
import { slots } from './slots.ts';
import type { VerificationPool } from './verification-pool.ts';
import type { VerificationAnswer } from './worker-messages.ts';

/** Uploads held in memory at once, by everybody together. */
const UPLOADS_AT_ONCE = 4;

export type VerifyUpload = (request: FastifyRequest, options: { withPictures: boolean; maxBytes?: number }) => Promise<VerificationAnswer>;

/** Keeps nothing: the bytes live until the answer is sent. */
export function uploadVerifier(context: WebContext, pool: VerificationPool): VerifyUpload {
  const inSlot = slots(UPLOADS_AT_ONCE);
  return (request, { withPictures, maxBytes = MAX_VERIFIED_BYTES }) =>
    inSlot(async () => {
      const { name, bytes } = await receiveFile(request, maxBytes);
      const answer = await pool.verify({ bytes, name, at: context.clock.now(), trust: await readTrust(context), withPictures });
      const found = answer.licenceIdentifier === undefined ? undefined : await findLicenceStatus(context, answer.licenceIdentifier);
      if (found) answer.report.licence = found;
      return answer;
    });
}
