/**
 * Response headers that keep pages from being framed, sniffed or fed with foreign scripts.
 * Scripts and styles come from our own origin only; nothing inline ever runs.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';

export interface PagePolicy {
  /** The page compiles WebAssembly (the camera's bar-code reader). */
  wasm?: boolean;
  /**
   * Where forms of this page may lead, beside ourselves. Browsers apply form-action to every redirect after a submit,
   * so a sign-in form that ends at a relying app must name that app's origin.
   */
  formAction?: readonly string[];
}

/** The Content-Security-Policy of one page. */
export function contentSecurityPolicy(policy: PagePolicy = {}): string {
  const scripts = policy.wasm ? "'self' 'wasm-unsafe-eval'" : "'self'";
  const forms = ["'self'", ...(policy.formAction ?? [])].join(' ');
  return [
    "default-src 'self'",
    `script-src ${scripts}`,
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "object-src 'none'",
    "base-uri 'none'",
    `form-action ${forms}`,
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Headers for everything, also for what oidc-provider writes on the raw response. */
export function baselineHeaders(https: boolean): Record<string, string> {
  return {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    ...(https ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {}),
  };
}

/** Where oidc-provider answers by itself. */
const WRITTEN_RAW = /^\/(?:oidc|\.well-known\/oauth-authorization-server)(?:[/?]|$)/;

export function registerSecurityHeaders(server: FastifyInstance, publicOrigin: string): void {
  const baseline = baselineHeaders(publicOrigin.startsWith('https:'));
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(baseline);
    // oidc-provider answers on the raw response, where reply's headers do not arrive, and brings its own policy for content.
    if (WRITTEN_RAW.test(request.url)) for (const [name, value] of Object.entries(baseline)) reply.raw.setHeader(name, value);
    reply.header('content-security-policy', contentSecurityPolicy());
    reply.header('permissions-policy', 'camera=(self), microphone=(), geolocation=(), payment=()');
    // What depends on who asks must not stay in a shared or a public computer's cache. Public files say otherwise themselves.
    reply.header('cache-control', 'no-store');
  });
}

/** For what everybody may see and keep: CRLs, certificates, status lists, key lists. */
export function cachePublicly(reply: FastifyReply, maxAgeSeconds: number): FastifyReply {
  return reply.header('cache-control', `public, max-age=${maxAgeSeconds}`);
}
