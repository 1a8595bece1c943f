/** Running the service: state at a glance, apps, staff, audit, certificates and who asks for them, trust services, trust list. */
import type { FastifyInstance } from 'fastify';
import type { WebContext } from '#web/web-context.ts';
import { registerAppRoutes } from './app-routes.ts';
import { registerAuditRoutes } from './audit-routes.ts';
import { registerCertificateRoutes } from './certificate-routes.ts';
import { registerDeviceRoutes } from './device-routes.ts';
import { registerOverviewRoutes } from './overview-routes.ts';
import { registerRecoveryRoutes } from './recovery-routes.ts';
import { registerRequestRoutes } from './request-routes.ts';
import { registerAdminSealJobRoutes } from './seal-job-routes.ts';
import { registerAdminSealRoutes } from './seal-routes.ts';
import { registerServiceRoutes } from './service-routes.ts';
import { registerStaffRoutes } from './staff-routes.ts';
import { registerTrustListRoutes } from './trust-list-routes.ts';

export function registerAdminRoutes(server: FastifyInstance, context: WebContext): void {
  registerOverviewRoutes(server, context);
  registerDeviceRoutes(server, context);
  registerAppRoutes(server, context);
  registerStaffRoutes(server, context);
  registerAuditRoutes(server, context);
  registerRequestRoutes(server, context);
  registerCertificateRoutes(server, context);
  registerRecoveryRoutes(server, context);
  registerAdminSealRoutes(server, context);
  registerAdminSealJobRoutes(server, context);
  registerServiceRoutes(server, context);
  registerTrustListRoutes(server, context);
}
