/** Signing in and out: at the portal under /login, within an app's request under /login/<uid>. Plain forms, no JavaScript needed. */
import type { FastifyInstance } from 'fastify';
import type { WebContext } from '#web/web-context.ts';
import { registerCertificateRoutes } from './certificate-routes.ts';
import { registerForeignCertificateRoutes } from './foreign-certificate-routes.ts';
import { registerLogOutRoutes } from './log-out-routes.ts';
import { registerNewPasswordRoutes } from './new-password-routes.ts';
import { registerInteractionExits, registerPasswordRoutes } from './password-routes.ts';
import { registerRealNameRoutes } from './real-name-routes.ts';
import { registerSmsRoutes } from './sms-routes.ts';

export function registerLoginRoutes(server: FastifyInstance, context: WebContext): void {
  for (const base of ['/login', '/login/:uid']) {
    registerPasswordRoutes(server, context, base);
    registerSmsRoutes(server, context, base);
    registerCertificateRoutes(server, context, base);
    registerForeignCertificateRoutes(server, context, base);
  }
  registerInteractionExits(server, context);
  registerRealNameRoutes(server, context);
  registerNewPasswordRoutes(server, context);
  registerLogOutRoutes(server, context);
}
