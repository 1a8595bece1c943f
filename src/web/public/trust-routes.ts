/**
 * What verifiers fetch: certificates of our authorities, the keys of codes, the status list; revocation lists are in `crl-routes.ts`.
 * Public, cacheable, and the same for everybody.
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Authority, isRoot, listAuthorities } from '#certificates/authorities.ts';
import { findAuthority } from '#certificates/find-authority.ts';
import { trustBundle } from '#certificates/find-certificates.ts';
import { findCrlFacts } from '#certificates/find-crl.ts';
import { codeKeysFile, currentStatusList } from '#licences/status-list.ts';
import type { Certificate } from '#pki/certificate.ts';
import { nameToString } from '#pki/name.ts';
import { toPem } from '#pki/pem.ts';
import { Problem } from '#problem.ts';
import { cachePublicly } from '#web/security-headers.ts';
import type { WebContext } from '#web/web-context.ts';

const CERTIFICATE_SECONDS = 3_600;
const STATUS_SECONDS = 30;
const KEYS_SECONDS = 300;
const AUTHORITY = /^(ca-[a-z]{1,20}-(?:sm2|p256)(?:-[1-9]\d{0,3})?)\.(cer|pem)$/;
const BUNDLE = /^ca-(sm2|p256)\.pem$/;

export function registerTrustRoutes(server: FastifyInstance, context: WebContext): void {
  const options = { schema: { hide: true } };

  server.get('/ca', options, async (_request, reply) => {
    const authorities = await listAuthorities(context);
    const of = (wanted: boolean) =>
      Promise.all(
        authorities
          .filter((one) => isRoot(one) === wanted)
          .map(async (one) => ({ ...viewOf(one.certificate), files: await filesOf(context, one) })),
      );
    return reply.page('public/authorities', { roots: await of(true), issuing: await of(false) });
  });

  server.get<{ Params: { file: string } }>('/ca/:file', options, async (request, reply) => {
    const { file } = request.params;
    const bundle = BUNDLE.exec(file)?.[1];
    cachePublicly(reply, CERTIFICATE_SECONDS);
    if (bundle) return sendBytes(reply, 'application/x-pem-file', await trustBundle(context, bundle === 'sm2' ? 'sm2-sm3' : 'es256'));
    const [, keyName, form] = AUTHORITY.exec(file) ?? [];
    const authority = keyName === undefined ? undefined : await findAuthority(context, keyName);
    if (!authority) throw new Problem('not-found');
    if (form === 'pem') return sendBytes(reply, 'application/x-pem-file', toPem('CERTIFICATE', authority.der));
    return sendBytes(reply, 'application/pkix-cert', authority.der);
  });

  // The address stands in every status list as its own name.
  server.get(
    '/api/codes/status-list',
    { schema: { tags: ['codes'], summary: 'The signed status list (Token Status List), as JSON or JWT' } },
    async (request, reply) => {
      const { token, json } = await currentStatusList(context);
      cachePublicly(reply, STATUS_SECONDS).header('access-control-allow-origin', '*').header('vary', 'accept');
      const wantsToken = request.headers.accept?.includes('application/statuslist+jwt') ?? false;
      return wantsToken
        ? sendBytes(reply, 'application/statuslist+jwt', token)
        : sendBytes(reply, 'application/json; charset=utf-8', JSON.stringify(json));
    },
  );

  const keys = async (_request: unknown, reply: FastifyReply) => {
    cachePublicly(reply, KEYS_SECONDS).header('access-control-allow-origin', '*');
    return sendBytes(reply, 'application/json; charset=utf-8', JSON.stringify(await codeKeysFile(context)));
  };
  server.get('/codes/keys', options, keys);
  server.get(
    '/api/codes/keys',
    { schema: { tags: ['codes'], summary: 'Keys that verify codes offline, and what licence type numbers mean' } },
    keys,
  );
}

/** What is already bytes or text, past the serializers. */
function sendBytes(reply: FastifyReply, type: string, content: Uint8Array | string): FastifyReply {
  return reply.type(type).send(typeof content === 'string' ? Buffer.from(content) : Buffer.from(content));
}

/** The certificate, and the lists that were published: an authority's first may still be to come, and a root has no delta. */
async function filesOf(context: WebContext, { keyName }: Authority) {
  const [complete, delta] = await Promise.all((['complete', 'delta'] as const).map((scope) => findCrlFacts(context, keyName, scope)));
  return [
    { href: `/ca/${keyName}.cer`, zh: '证书', en: 'Certificate' },
    ...(complete ? [{ href: `/crl/${keyName}.crl`, zh: '吊销列表', en: 'Revocation list' }] : []),
    ...(delta ? [{ href: `/crl/${keyName}-delta.crl`, zh: '增量列表', en: 'Delta' }] : []),
  ];
}

function viewOf(certificate: Certificate) {
  const { subject, issuer, serialHex, notBefore, notAfter, fingerprint } = certificate;
  return { subject: nameToString(subject), issuer: nameToString(issuer), serialHex, notBefore, notAfter, fingerprint };
}
