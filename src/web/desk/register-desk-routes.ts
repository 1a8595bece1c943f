/** The issuing department's desk: issue, look after, and the seals it issues with. */
import type { FastifyInstance } from 'fastify';
import type { WebContext } from '#web/web-context.ts';
import { registerDeskCertificateRoutes } from './certificate-routes.ts';
import { registerIssueRoutes } from './issue-routes.ts';
import { registerRegistryRoutes } from './registry-routes.ts';
import { registerSealJobRoutes } from './seal-job-routes.ts';
import { registerSealLogRoutes } from './seal-log-routes.ts';
import { registerSealPage } from './seal-page.ts';
import { registerSealRoutes } from './seal-routes.ts';
import { registerSealRulesRoutes } from './seal-rules-routes.ts';

export function registerDeskRoutes(server: FastifyInstance, context: WebContext): void {
  registerRegistryRoutes(server, context);
  registerIssueRoutes(server, context);
  registerSealRoutes(server, context);
  registerSealPage(server, context);
  registerSealRulesRoutes(server, context);
  registerSealLogRoutes(server, context);
  registerSealJobRoutes(server, context);
  registerDeskCertificateRoutes(server, context);
}
