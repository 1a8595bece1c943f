/**
 * The one place where a refusal becomes an answer: RFC 9457 for programs, a page for people.
 * Whatever is not a Problem and not a client's fault becomes `internal` without any detail; its cause goes to the log.
 */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CATALOGUE, type FieldFault, Problem, type ProblemCode } from '#problem.ts';
import { isClosedKeyError } from '#storage/sealed-places.ts';
import { describeForLog } from './log-without-personal-data.ts';
import { baselineHeaders, contentSecurityPolicy } from './security-headers.ts';
import { faultsOfZodError } from './zod-faults.ts';

export interface ProblemDocument {
  type: string;
  title: string;
  titleZh: string;
  status: number;
  code: ProblemCode;
  detail?: string;
  detailZh?: string;
  instance: string;
  errors?: readonly FieldFault[];
}

/** What the error means to the caller. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isRefusedBySchema(error)) {
    const context = error.validationContext;
    return new Problem('invalid-input', { errors: faultsOfZodError(error, context === 'body' ? '' : `/${context}`) });
  }
  if (isClosedKeyError(error)) return new Problem('unavailable', { retryAfterSeconds: 30, cause: error });
  const status = (error as FastifyError | undefined)?.statusCode;
  if (status === undefined || status < 400 || status > 499) return new Problem('internal', { cause: error });
  return new Problem(codeOfStatus(status), { cause: error });
}

/** Only a route's own schema blames the caller; a ZodError from anywhere else is our own fault. */
function isRefusedBySchema(error: unknown): error is z.core.$ZodError & { validationContext: string } {
  return error instanceof z.core.$ZodError && typeof (error as { validationContext?: unknown }).validationContext === 'string';
}

function codeOfStatus(status: number): ProblemCode {
  if (status === 413) return 'too-large';
  if (status === 415 || status === 406) return 'unsupported-media-type';
  if (status === 404) return 'not-found';
  if (status === 429) return 'too-many-requests';
  return 'malformed-request';
}

/** RFC 9457 members; `title` is the catalogue's sentence and never changes with the case. */
export function problemDocument(problem: Problem, publicOrigin: string, instance: string): ProblemDocument {
  const [status, title, titleZh] = CATALOGUE[problem.code];
  return {
    type: `${publicOrigin}/problems/${problem.code}`,
    title,
    titleZh,
    status,
    code: problem.code,
    ...(problem.detail === undefined ? {} : { detail: problem.detail }),
    ...(problem.detailZh === undefined ? {} : { detailZh: problem.detailZh }),
    instance,
    ...(problem.errors.length === 0 ? {} : { errors: problem.errors }),
  };
}

/** Programs get JSON: everything under /api and in the issuance log, and whoever asks for JSON and not for HTML. */
export function wantsJson(request: FastifyRequest): boolean {
  const accept = request.headers.accept ?? '';
  if (accept.includes('text/html')) return false;
  return isApi(request.url) || accept.includes('json');
}

function isApi(url: string): boolean {
  return /^\/(?:api|log\/v1)(?:[/?]|$)/.test(url) && !url.startsWith('/api/docs');
}

/** Where devices and tools ask and nobody reads pages (RFC 7030 §4.2.3 wants plain text); a browser gets its page there too. */
function wantsText({ url, headers }: FastifyRequest): boolean {
  return /^\/(?:\.well-known\/est|ocsp|tsa)(?:[/?]|$)/.test(url) && !(headers.accept ?? '').includes('text/html');
}

export function registerProblemRendering(server: FastifyInstance, publicOrigin: string): void {
  server.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, publicOrigin));
  server.setNotFoundHandler((request, reply) => sendProblem(new Problem('not-found'), request, reply, publicOrigin));
}

export async function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  publicOrigin: string,
): Promise<FastifyReply> {
  const problem = problemOf(error);
  if (problem.status >= 500) request.log.error({ failure: describeForLog(problem.cause ?? problem) }, problem.code);
  const json = wantsJson(request);
  if (!json && request.method === 'GET') {
    const detour = detourOf(problem.code, request);
    if (detour) return reply.redirect(detour, 303);
  }
  reply.code(problem.status).header('cache-control', 'no-store');
  if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.ceil(problem.retryAfterSeconds)));
  const document = problemDocument(problem, publicOrigin, request.id);
  if (json) {
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    return reply.type('application/problem+json; charset=utf-8').serializer(JSON.stringify).send(document);
  }
  if (wantsText(request)) return reply.type('text/plain; charset=utf-8').send(problemText(document));
  // What the router itself refuses (an address that cannot be decoded) never passed the hooks that make pages.
  if (typeof reply.page !== 'function') return sendBarePage(reply, document);
  return reply.page('problem', { problem: document });
}

/** What was refused and why, a line each. */
function problemText({ title, titleZh, detail, detailZh, errors, code, instance }: ProblemDocument): string {
  const lines = [`${titleZh} ${title}`, ...(detail ? [`${detailZh ?? ''} ${detail}`.trim()] : [])];
  for (const { pointer, detailZh, detail } of errors ?? []) lines.push([pointer, detailZh, detail].filter(Boolean).join(' '));
  return `${[...lines, `[${code}, ${instance}]`].join('\n')}\n`;
}

function sendBarePage(reply: FastifyReply, { title, titleZh }: ProblemDocument): FastifyReply {
  reply.headers({ ...baselineHeaders(false), 'content-security-policy': contentSecurityPolicy() }).type('text/html; charset=utf-8');
  return reply.send(`<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${titleZh}</title><link rel="stylesheet" href="/assets/site.css"></head>
<body><main class="wrap"><section class="card narrow"><h1>${titleZh}<span class="en" lang="en">${title}</span></h1><p><a href="/">回到首页 Home</a></p></section></main></body></html>`);
}

/** Where a person goes to put the matter right. */
function detourOf(code: ProblemCode, { url, session }: FastifyRequest): string | undefined {
  if (code === 'not-signed-in') return `/login?return=${encodeURIComponent(url)}`;
  if (code === 'second-factor-needed') {
    const way = session?.amr.includes('pwd') ? 'sms' : 'password';
    return `/login?way=${way}&more=1&return=${encodeURIComponent(url)}`;
  }
  if (code === 'position-not-chosen') return `/position?return=${encodeURIComponent(url)}`;
  return undefined;
}
