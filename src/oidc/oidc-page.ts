import type { IncomingMessage } from 'node:http';
import type { KoaContextWithOIDC } from 'oidc-provider';

/** A page the engine wants shown. Pages are made where pages are made: in `web/`, from this. */
export interface OidcPage {
  template: 'consent/log-out' | 'consent/oidc-error';
  status: number;
  data: Record<string, unknown>;
}

const asked = new WeakMap<IncomingMessage, OidcPage>();

/** Called by the engine instead of writing a body: the response is left open, with its cookies set, for the page to be sent. */
export function askForPage(ctx: KoaContextWithOIDC, template: OidcPage['template'], data: Record<string, unknown>): void {
  asked.set(ctx.req, { template, status: ctx.status, data });
  ctx.respond = false;
}

/** The page asked for during this request, once. */
export function takeAskedPage(req: IncomingMessage): OidcPage | undefined {
  const page = asked.get(req);
  asked.delete(req);
  return page;
}
