/**
 * Signing a PDF with a key in the browser: the file comes twice, first to learn what is to be signed, then with the signature.
 * Both times it is in memory only and forgotten with the answer. What comes out is a personal signature, never an official seal. It gets a
 * timestamp of our own authority and what proves it later, when they are to be had; the answer says which level was reached.
 * The file is read in a thread: one made to be costly keeps nobody else waiting.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ACTING_PROFILES } from '#certificates/acting.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { findHeldCertificate, listHeldCertificates } from '#certificates/held-certificates.ts';
import type { HeldKeySigning } from '#documents/pdf/sign-with-held-key.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { faultyField, Problem } from '#problem.ts';
import { certificateWords } from '#web/certificate-words.ts';
import { sendFile } from '#web/send-file.ts';
import { requireSession } from '#web/session.ts';
import { parseForm } from '#web/validate-with-zod.ts';
import { answerThread } from '#web/verification/answer-thread.ts';
import { readTrust } from '#web/verification/read-trust.ts';
import { verificationPool } from '#web/verification/verification-pool.ts';
import type { WebContext } from '#web/web-context.ts';
import { MY_SECTIONS } from './sections.ts';

export const MAX_SIGNED_BYTES = 20 * 1024 * 1024;
/** Threads for signing alone: whoever has files judged on the public page, hostile ones too, keeps nobody from signing. */
const THREADS = { threads: 2, queue: 4, timeoutMs: 30_000 };
/** Both steps count. */
const STEPS_PER_HOUR = 120;
/** Between being told what to sign and handing in the signature. */
const MAX_AGE_MS = 5 * 60_000;
const MAX_SKEW_MS = 1_000;

/** People sign for themselves, or for the organisation they act for. */
const SIGNING_PROFILES: readonly ProfileName[] = ['person', ...ACTING_PROFILES];

const Prepare = z.object({ serial: z.string().regex(/^[0-9a-f]{2,40}$/) });
const Finish = Prepare.extend({
  signedAt: z.iso.datetime({ precision: 3 }),
  signature: z.base64url().min(80).max(100).describe('r and s of 32 octets each'),
});

export function registerSignPdfRoutes(server: FastifyInstance, context: WebContext): void {
  const pool = verificationPool(THREADS);
  server.addHook('onClose', () => pool.close());
  const atWork = new Set<string>();

  /** One file of a person's at a time: whoever sends costly ones keeps a thread, never all of them. */
  async function alone<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
    const { personId } = requireSession(request);
    if (atWork.has(personId)) throw new Problem('too-many-requests', { retryAfterSeconds: 5 });
    atWork.add(personId);
    try {
      return await work();
    } finally {
      atWork.delete(personId);
    }
  }
  const upload = { schema: { hide: true }, config: { upload: { maxFileBytes: MAX_SIGNED_BYTES } } };

  server.get('/my/certificates/sign', { schema: { hide: true } }, async (request, reply) => {
    const { personId } = requireSession(request);
    const usable = (await listHeldCertificates(context, { personId })).filter(
      ({ status, profile }) => status === 'good' && SIGNING_PROFILES.includes(profile),
    );
    const { serial } = request.query as { serial?: string };
    const facts = { usable, chosen: serial, maxBytes: MAX_SIGNED_BYTES, words: certificateWords };
    return reply.page('my/sign-pdf', { sections: MY_SECTIONS, ...facts });
  });

  server.post('/my/certificates/sign/prepare', upload, async (request, reply) => {
    const { pdf, serial } = await admit(request);
    const signedAt = context.clock.now();
    const signing = await signingWith(request, serial, signedAt);
    const { toBeSigned } = await alone(request, () => pool.prepareSignature({ bytes: pdf, signing }));
    return reply.send({ signedAt: signedAt.toISOString(), toBeSigned: Buffer.from(toBeSigned).toString('base64') });
  });

  server.post('/my/certificates/sign/finish', upload, async (request, reply) => {
    const { pdf, serial } = await admit(request);
    const { data, faults } = parseForm(Finish, request.body);
    if (!data) throw new Problem('invalid-input', { errors: faults });
    const signedAt = new Date(data.signedAt);
    const age = context.clock.now().getTime() - signedAt.getTime();
    if (age > MAX_AGE_MS || age < -MAX_SKEW_MS) throw faultyField('/signedAt', 'Too long ago: begin again.', '准备已过期，请重新签名。');
    const signature = new Uint8Array(Buffer.from(data.signature, 'base64url'));
    const signing = await signingWith(request, serial, signedAt);
    const task = { bytes: pdf, signing, signature, at: context.clock.now(), trust: await readTrust(context) };
    const { pdf: bytes, level } = await alone(request, () => pool.finishSignature(task, answerThread(context)));
    // For the page's module, which says what was reached.
    reply.header('x-signature-level', level);
    return sendFile(reply, { bytes, fileName: 'signed.pdf', mediaType: 'application/pdf' });
  });

  async function admit(request: FastifyRequest) {
    const { personId } = requireSession(request);
    const { data, faults } = parseForm(Prepare, request.body);
    if (!data) throw new Problem('invalid-input', { errors: faults });
    const pdf = request.uploads.get('file')?.bytes;
    if (!pdf) throw faultyField('/file', 'Choose a file.', '请选择文件。');
    const steps = await context.ephemeral.increment(`sign-pdf:${personId}`, 3_600);
    if (steps > STEPS_PER_HOUR) throw new Problem('too-many-requests', { retryAfterSeconds: 3_600 });
    return { pdf, serial: data.serial };
  }

  /** The same both times: the field's name follows from the moment. */
  async function signingWith(request: FastifyRequest, serial: string, signedAt: Date): Promise<HeldKeySigning> {
    const { personId } = requireSession(request);
    const held = await findHeldCertificate(context, serial);
    if (held?.holder.kind !== 'person' || held.holder.personId !== personId) throw new Problem('certificate-not-found');
    if (held.status !== 'good' || !SIGNING_PROFILES.includes(held.profile)) throw new Problem('certificate-not-usable');
    const { issuing, roots } = await trustedCertificates(context);
    const above = (of: { issuer: { der: Uint8Array } }, among: typeof roots) =>
      among.find(({ subject }) => Buffer.compare(subject.der, of.issuer.der) === 0);
    const issuer = above(held.certificate, issuing);
    const root = issuer && above(issuer, roots);
    const certificates = [held.certificate, issuer, root].flatMap((one) => (one ? [one.der] : []));
    return { certificates, suite: held.suite as HeldKeySigning['suite'], signedAt, fieldName: `Personal-${signedAt.getTime()}` };
  }
}
