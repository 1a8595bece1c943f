/** Every surface of pages, one line each. */
import type { FastifyInstance } from 'fastify';
import { registerAdminRoutes } from './admin/register-admin-routes.ts';
import { registerConsentRoutes } from './consent/register-consent-routes.ts';
import { registerOidcRoutes } from './consent/register-oidc-routes.ts';
import { registerCounterRoutes } from './counter/register-counter-routes.ts';
import { registerDemoRoutes } from './demo-routes.ts';
import { registerDeskRoutes } from './desk/register-desk-routes.ts';
import { registerEstRoutes } from './est/register-est-routes.ts';
import { registerLoginRoutes } from './login/register-login-routes.ts';
import { registerMyRoutes } from './my/register-my-routes.ts';
import { registerPublicRoutes } from './public/register-public-routes.ts';
import { registerPositionRoutes } from './staff-position.ts';
import type { VerificationPool } from './verification/verification-pool.ts';
import type { VerifyUpload } from './verification/verify-upload.ts';
import type { WebContext } from './web-context.ts';

export async function registerSurfaces(
  server: FastifyInstance,
  context: WebContext,
  { pool, verifyUpload }: { pool: VerificationPool; verifyUpload: VerifyUpload },
): Promise<void> {
  registerPublicRoutes(server, context, verifyUpload);
  registerLoginRoutes(server, context);
  registerOidcRoutes(server, context);
  registerConsentRoutes(server, context);
  registerEstRoutes(server, context);
  registerPositionRoutes(server, context);
  registerMyRoutes(server, context, pool);
  registerCounterRoutes(server, context);
  registerDeskRoutes(server, context);
  registerAdminRoutes(server, context);
  registerDemoRoutes(server, context);
}
