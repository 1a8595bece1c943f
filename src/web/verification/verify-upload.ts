/** What the public page and the API share: judge uploaded files against this installation's trust and look up the licence's state. */
import type { FastifyRequest } from 'fastify';
import { compareLicences, type LicenceComparison } from '#documents/same-licence.ts';
import { findLicenceStatus } from '#licences/find-public-licence.ts';
import type { WebContext } from '#web/web-context.ts';
import { readTrust } from './read-trust.ts';
import { MAX_VERIFIED_BYTES, receiveFiles } from './receive-file.ts';
import { slots } from './slots.ts';
import type { VerificationPool } from './verification-pool.ts';
import type { VerificationAnswer } from './worker-messages.ts';

/** Uploads held in memory at once, by everybody together. */
const UPLOADS_AT_ONCE = 4;

/** The OFD and the PDF of a licence. */
const FILES_AT_ONCE = 2;

export interface VerifiedUpload {
  /** One or two, as they were sent. */
  files: VerificationAnswer[];
  /** Of two files: whether they show one licence. */
  comparison?: LicenceComparison;
}

export type VerifyUpload = (request: FastifyRequest, options: { withPictures: boolean; maxBytes?: number }) => Promise<VerifiedUpload>;

/** Keeps nothing: the bytes live until the answer is sent. */
export function uploadVerifier(context: WebContext, pool: VerificationPool): VerifyUpload {
  const inSlot = slots(UPLOADS_AT_ONCE);
  return (request, { withPictures, maxBytes = MAX_VERIFIED_BYTES }) =>
    inSlot(async () => {
      const files: VerificationAnswer[] = [];
      const trust = await readTrust(context);
      for (const { name, bytes } of await receiveFiles(request, { maxBytes, maxFiles: FILES_AT_ONCE })) {
        const answer = await pool.verify({ bytes, name, at: context.clock.now(), trust, withPictures });
        const found = answer.licenceIdentifier === undefined ? undefined : await findLicenceStatus(context, answer.licenceIdentifier);
        if (found) answer.report.licence = found;
        files.push(answer);
      }
      return files.length > 1 ? { files, comparison: compareLicences(files) } : { files };
    });
}
