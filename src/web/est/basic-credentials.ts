import type { FastifyRequest } from 'fastify';

/** User name and password of HTTP Basic (RFC 7617), if the request has them. */
export function basicCredentials({ headers }: FastifyRequest): { username: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]{4,512}={0,2})$/i.exec(headers.authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
