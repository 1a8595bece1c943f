/**
 * The OpenID Provider under `/oidc`: it reads the raw request itself (bodies too) and writes the raw reply, except for the few
 * pages that are ours to show.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { keepProviderCookies } from '#web/login/login-cookies.ts';
import type { WebContext } from '#web/web-context.ts';
import { describeOidcError } from './describe-oidc-error.ts';

const PREFIX = '/oidc';

export function registerOidcRoutes(server: FastifyInstance, context: WebContext): void {
  const { oidc } = context;
  if (!oidc) return;

  const handle = async (request: FastifyRequest, reply: FastifyReply, path: string) => {
    const raw = Object.assign(request.raw, { originalUrl: request.raw.url });
    raw.url = path;
    // A body that was refused unread must not keep the connection open until it times out.
    reply.raw.once('finish', () => {
      if (!raw.complete) raw.socket.destroySoon();
    });
    const page = await oidc.callback(raw, reply.raw);
    if (!page) {
      reply.hijack();
      return reply;
    }
    keepProviderCookies(reply);
    const origin = page.data['redirectOrigin'];
    const data = page.template === 'consent/oidc-error' ? { ...page.data, ...describeOidcError(page.data) } : page.data;
    return reply.code(page.status).page(page.template, data, typeof origin === 'string' ? { formAction: [origin] } : undefined);
  };

  server.register(async (mount) => {
    mount.removeAllContentTypeParsers();
    // Bodies stay unread: the provider reads them with its own limits.
    mount.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
    const options = { config: { csrf: false }, schema: { hide: true } };
    mount.all(PREFIX, options, (request, reply) => handle(request, reply, '/'));
    mount.all(`${PREFIX}/*`, options, (request, reply) => handle(request, reply, request.raw.url?.slice(PREFIX.length) ?? '/'));
    // RFC 8414 §3.1 puts the well-known part before the issuer's path.
    mount.get(`/.well-known/oauth-authorization-server${PREFIX}`, options, (request, reply) =>
      handle(request, reply, '/.well-known/openid-configuration'),
    );
  });
}
