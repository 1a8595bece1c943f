/**
 * Pages: Eta templates that escape by default, put into one layout. A template gets its own data beside what every page needs
 * (`it.csrf`, `it.session`, `it.asset(…)`, `it.time(…)` and so on, see PageFacts).
 */
import { fileURLToPath } from 'node:url';
import { Eta } from 'eta';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Role } from '#access/staff.ts';
import type { Assets } from './assets.ts';
import { registerLargeType, usesLargeType } from './large-type.ts';
import { navigationFor } from './navigation.ts';
import { contentSecurityPolicy, type PagePolicy } from './security-headers.ts';
import type { WebContext } from './web-context.ts';
import { type Wording, wording } from './wording.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** Renders `templates/pages/<template>.eta` in the layout and sends it; status and further headers may be set before. */
    page(template: string, data?: Record<string, unknown>, policy?: PagePolicy): FastifyReply;
  }
}

/** What every template may use beside its own data. */
export interface PageFacts extends Wording {
  csrf: string;
  session: FastifyRequest['session'];
  staff: FastifyRequest['staff'];
  /** In any of the person's positions. */
  heldRoles: readonly Role[];
  /** Address of a file of templates/assets with its hash. */
  asset(name: string): string;
  /** Main sections for this person: surface, path, Chinese, English. */
  navigation: ReturnType<typeof navigationFor>;
  /** The path of this page, without query. */
  path: string;
  largeType: boolean;
  demo: boolean;
  production: boolean;
  version: string;
  publicOrigin: string;
  now: Date;
}

const PAGES_FOLDER = fileURLToPath(new URL('../../templates/pages', import.meta.url));

export function registerPages(server: FastifyInstance, context: WebContext, assets: Assets): void {
  const eta = new Eta({ views: PAGES_FOLDER, cache: context.production, autoEscape: true });
  registerLargeType(server, context.publicOrigin.startsWith('https:'));

  server.decorateReply(
    'page',
    function page(this: FastifyReply, template: string, data: Record<string, unknown> = {}, policy?: PagePolicy) {
      const facts = { ...factsOf(this.request, context, assets), ...data };
      const html = eta.render(`/${template}`, facts);
      if (policy) this.header('content-security-policy', contentSecurityPolicy(policy));
      return this.type('text/html; charset=utf-8').send(html);
    },
  );
}

function factsOf(request: FastifyRequest, context: WebContext, assets: Assets): PageFacts {
  return {
    ...wording,
    csrf: request.csrf(),
    session: request.session,
    staff: request.staff,
    heldRoles: [...new Set(request.positions.flatMap(({ roles }) => roles))],
    asset: assets.address,
    navigation: navigationFor(request),
    path: request.url.split('?', 1)[0] ?? '/',
    largeType: usesLargeType(request),
    demo: context.demo !== undefined,
    production: context.production,
    version: context.version,
    publicOrigin: context.publicOrigin,
    now: context.clock.now(),
  };
}
