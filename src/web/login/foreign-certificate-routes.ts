/** Signing in with a certificate of another authority: get a text, sign it with one's own tool, send the signature. No script needed. */
import type { FastifyInstance } from 'fastify';
import { beginCertificateSignIn } from '#sign-in/certificate-challenge.ts';
import { signInWithForeignCertificate } from '#sign-in/sign-in-with-foreign-certificate.ts';
import { FOREIGN_UPLOAD, readForeignForm, sendStatement } from '#web/foreign-proof-form.ts';
import type { WebContext } from '#web/web-context.ts';
import { completeSignIn } from './complete-sign-in.ts';
import { loginCookie, setLoginCookie } from './login-cookies.ts';
import { findLoginPlace } from './login-place.ts';
import { mendable, showLoginPage } from './show-login-page.ts';

/** @param base `/login` or `/login/:uid` */
export function registerForeignCertificateRoutes(server: FastifyInstance, context: WebContext, base: string): void {
  const options = { schema: { hide: true } };
  const path = `${base}/foreign-certificate`;

  server.get(path, options, async (request, reply) =>
    showLoginPage(reply, 'foreign-certificate', await findLoginPlace(request, reply, context)),
  );

  server.post(`${path}/text`, options, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    try {
      const { browser, ...text } = await beginCertificateSignIn(context, { ip: request.ip, use: 'foreign-sign-in' });
      setLoginCookie(reply, context, 'tongren_foreign', browser);
      return showLoginPage(reply.header('cache-control', 'no-store'), 'foreign-certificate', place, { text });
    } catch (error) {
      return showLoginPage(reply, 'foreign-certificate', place, mendable(reply, error));
    }
  });

  server.post(`${path}/challenge.txt`, options, async (request, reply) =>
    sendStatement(request, reply, context.publicOrigin, 'foreign-sign-in'),
  );

  server.post(path, { ...options, config: { upload: { ...FOREIGN_UPLOAD, open: true } } }, async (request, reply) => {
    const place = await findLoginPlace(request, reply, context);
    try {
      const browser = loginCookie(request, 'tongren_foreign');
      const proof = await signInWithForeignCertificate(context, { ...readForeignForm(request), browser, ip: request.ip });
      return await completeSignIn(request, reply, context, place, proof);
    } catch (error) {
      return showLoginPage(reply, 'foreign-certificate', place, mendable(reply, error));
    }
  });
}
