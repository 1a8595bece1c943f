/** Every surface of pages, one line each. */
import type { FastifyInstance } from 'fastify';
import { registerPublicRoutes } from './public/register-public-routes.ts';
import type { WebContext } from './web-context.ts';

export async function registerSurfaces(server: FastifyInstance, context: WebContext): Promise<void> {
  registerPublicRoutes(server, context);
}
