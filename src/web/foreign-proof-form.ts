/** The form with which somebody sends a signature of their own tool over a text of ours; for signing in and for adding a certificate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type ChallengeUse, isChallenge, signInStatement } from '#sign-in/certificate-challenge.ts';
import { sendFile } from './send-file.ts';
import { parseForm } from './validate-with-zod.ts';

const MAX_FILE_BYTES = 64 * 1024;

const challenge = z.string().refine(isChallenge, { error: 'Get a new text. / 请重新获取文本。' });
export const ChallengeForm = z.object({ challenge });
const ProofForm = z.object({ challenge, pasted: z.string().max(16_000).default('') });

/** Two files: the signature, and the certificate where it is not inside. */
export const FOREIGN_UPLOAD = { maxFileBytes: MAX_FILE_BYTES, maxFiles: 2 } as const;

/** What was sent, as the use-cases take it; an empty signature proves nothing and is answered like a wrong one. */
export function readForeignForm(request: FastifyRequest) {
  const { data } = parseForm(ProofForm, request.body);
  const file = request.uploads.get('signature')?.bytes;
  const certificates = request.uploads.get('certificate')?.bytes;
  return {
    challenge: data?.challenge ?? '',
    signature: file ?? Uint8Array.from(Buffer.from(data?.pasted ?? '', 'utf8')),
    ...(certificates ? { certificates } : {}),
  };
}

/** The text to be signed, to the byte: what is copied from a page may change its line ends. */
export function sendStatement(request: FastifyRequest, reply: FastifyReply, publicOrigin: string, use: ChallengeUse): FastifyReply {
  const { data } = parseForm(ChallengeForm, request.body);
  const statement = data ? signInStatement(publicOrigin, data.challenge, use) : '';
  return sendFile(reply, { bytes: Buffer.from(statement, 'utf8'), fileName: 'challenge.txt', mediaType: 'text/plain; charset=utf-8' });
}
