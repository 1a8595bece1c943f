/** What is the citizen's own: licences, codes, certificates, who looked, apps, sessions, account. */
import type { FastifyInstance } from 'fastify';
import type { VerificationPool } from '#web/verification/verification-pool.ts';
import type { WebContext } from '#web/web-context.ts';
import { registerMyAccountRoutes } from './account-routes.ts';
import { registerMyAppRoutes } from './app-routes.ts';
import { registerMyCertificateRoutes } from './certificate-routes.ts';
import { registerMyCodeRoutes } from './code-routes.ts';
import { registerMyForeignCertificateRoutes } from './foreign-certificate-routes.ts';
import { registerMyLicenceRoutes } from './licence-routes.ts';
import { registerMyLookUpRoutes } from './look-up-routes.ts';
import { registerMyOrganisationRoutes } from './organisation-routes.ts';
import { registerMySessionRoutes } from './session-routes.ts';
import { registerSignPdfRoutes } from './sign-pdf-routes.ts';

export function registerMyRoutes(server: FastifyInstance, context: WebContext, pool: VerificationPool): void {
  registerMyLicenceRoutes(server, context, pool);
  registerMyCodeRoutes(server, context);
  registerMyCertificateRoutes(server, context);
  registerMyForeignCertificateRoutes(server, context);
  registerMyOrganisationRoutes(server, context);
  registerSignPdfRoutes(server, context);
  registerMyLookUpRoutes(server, context);
  registerMyAppRoutes(server, context);
  registerMySessionRoutes(server, context);
  registerMyAccountRoutes(server, context);
}
