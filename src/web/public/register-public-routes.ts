/** Pages that anybody may open. */
import type { FastifyInstance } from 'fastify';
import type { VerifyUpload } from '#web/verification/verify-upload.ts';
import type { WebContext } from '#web/web-context.ts';
import { registerCrlRoutes } from './crl-routes.ts';
import { registerPublicLicenceRoutes } from './licence-routes.ts';
import { registerLogRoutes } from './log-routes.ts';
import { registerOcspRoutes } from './ocsp-routes.ts';
import { registerProblemPages } from './problem-pages.ts';
import { registerSealStatusRoutes } from './seal-status-routes.ts';
import { registerTrustListRoutes } from './trust-list-routes.ts';
import { registerTrustRoutes } from './trust-routes.ts';
import { registerTsaRoutes } from './tsa-routes.ts';
import { registerVerifyRoutes } from './verify-routes.ts';

export function registerPublicRoutes(server: FastifyInstance, context: WebContext, verifyUpload: VerifyUpload): void {
  server.get('/', { schema: { hide: true } }, async (_request, reply) =>
    reply.page('public/home', { accounts: context.demo?.accounts ?? [], apps: context.demo?.apps ?? [] }),
  );
  server.get('/robots.txt', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/plain').send('User-agent: *\nAllow: /$\nAllow: /verify$\nDisallow: /\n'),
  );
  registerProblemPages(server);
  registerVerifyRoutes(server, context, verifyUpload);
  registerPublicLicenceRoutes(server, context);
  registerTrustRoutes(server, context);
  registerCrlRoutes(server, context);
  registerOcspRoutes(server, context);
  registerTsaRoutes(server, context);
  registerLogRoutes(server, context);
  registerSealStatusRoutes(server, context);
  registerTrustListRoutes(server, context);
}
