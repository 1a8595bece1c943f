/** Signing in with a certificate, for the script of the sign-in page: it asks what to sign, signs, and goes where it is told. */
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { beginCertificateSignIn } from '#sign-in/certificate-challenge.ts';
import { signInWithCertificate } from '#sign-in/sign-in-with-certificate.ts';
import type { WebContext } from '#web/web-context.ts';
import { completeSignIn } from './complete-sign-in.ts';
import { loginCookie, setLoginCookie } from './login-cookies.ts';
import { findLoginPlace } from './login-place.ts';

const Proof = z.object({
  challenge: z.string().max(64),
  serial: z.string().max(64).describe('Serial number of the certificate, hex'),
  signature: z.base64url().max(200).describe('Over the statement; DER, or r and s of 32 octets each'),
  return: z.string().max(512).optional(),
});

/** @param base `/login` or `/login/:uid` */
export function registerCertificateRoutes(server: FastifyInstance, context: WebContext, base: string): void {
  const typed = server.withTypeProvider<ZodTypeProvider>();

  typed.post(`${base}/certificate/challenge`, { schema: { hide: true } }, async (request, reply) => {
    await findLoginPlace(request, reply, context);
    const { browser, ...challenge } = await beginCertificateSignIn(context, request);
    setLoginCookie(reply, context, 'tongren_certificate', browser);
    return reply.header('cache-control', 'no-store').send(challenge);
  });

  typed.post(`${base}/certificate`, { schema: { hide: true, body: Proof } }, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    const { challenge, serial, signature } = request.body;
    const proof = await signInWithCertificate(context, {
      challenge,
      serialHex: serial,
      signature: new Uint8Array(Buffer.from(signature, 'base64url')),
      browser: loginCookie(request, 'tongren_certificate'),
      ip: request.ip,
    });
    return completeSignIn(request, reply, context, place, proof);
  });
}
