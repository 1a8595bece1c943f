/**
 * The HTTP face of Tongren: one Fastify server with every surface. Routes parse, call one function of a room, and reply;
 * what they refuse is rendered in one place.
 */
import { randomUUID } from 'node:crypto';
import type { Server as TlsServer } from 'node:https';
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import multipart from '@fastify/multipart';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
  LogController,
} from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { registerApiRoutes } from './api/register-api-routes.ts';
import { registerAssets } from './assets.ts';
import { registerCsrf } from './csrf.ts';
import { dropDirectionMarks } from './drop-direction-marks.ts';
import { registerHealth } from './health.ts';
import { registerRequestLog } from './log-without-personal-data.ts';
import { registerMetrics } from './metrics.ts';
import { registerPages } from './pages.ts';
import { registerMultipartForms } from './read-multipart-form.ts';
import { refuseNullCharacters } from './refuse-null-characters.ts';
import { registerSurfaces } from './register-surfaces.ts';
import { registerProblemRendering, sendProblem } from './render-problem.ts';
import { registerSecurityHeaders } from './security-headers.ts';
import { registerSessions } from './session.ts';
import { zodValidator } from './validate-with-zod.ts';
import { verificationPool } from './verification/verification-pool.ts';
import { uploadVerifier } from './verification/verify-upload.ts';
import type { WebContext } from './web-context.ts';

/** Forms and JSON; uploads have their own, larger limit. */
const BODY_LIMIT_BYTES = 1024 * 1024;
/** The longest path parameter: a code in digits, a licence identifier. */
const MAX_PARAMETER_LENGTH = 512;
const REQUEST_TIMEOUT_MS = 60_000;
/** The proxy in front appends the address it saw; everything before that was written by the client. */
const nearestProxy = (_address: string, hop: number) => hop === 0;

export interface ServerOptions {
  /** A pino logger or `false`; the default logs to standard output. */
  logger?: FastifyBaseLogger | false;
  /** PEM certificate and key: the server then speaks https itself. */
  tls?: TlsOptions;
}

export interface TlsOptions {
  cert: string;
  key: string;
  /**
   * PEM of authorities whose certificates devices may show when they renew (EST). A client that has none is as welcome: who it
   * is, is for the routes to judge.
   */
  clientAuthorities?: string;
}

/** Builds the server without listening. Closing it waits for requests under way. */
export async function createServer(context: WebContext, options: ServerOptions = {}): Promise<FastifyInstance> {
  const server = bareServer(context, options);
  server.setValidatorCompiler(zodValidator);
  server.setSerializerCompiler(serializerCompiler);
  registerSecurityHeaders(server, context.publicOrigin);
  registerProblemRendering(server, context.publicOrigin);
  registerRequestLog(server);
  await server.register(cookie);
  await server.register(formbody, { bodyLimit: BODY_LIMIT_BYTES });
  await server.register(multipart, { throwFileSizeLimit: true });
  registerSessions(server, context);
  registerMultipartForms(server);
  registerCsrf(server, context.publicOrigin);
  refuseNullCharacters(server);
  dropDirectionMarks(server);
  registerPages(server, context, registerAssets(server));
  registerHealth(server, context);
  registerMetrics(server, context);
  const pool = verificationPool();
  server.addHook('onClose', () => pool.close());
  const verifyUpload = uploadVerifier(context, pool);
  await registerApiRoutes(server, context, verifyUpload);
  await registerSurfaces(server, context, { pool, verifyUpload });
  return server;
}

function bareServer(context: WebContext, { logger, tls }: ServerOptions): FastifyInstance {
  const common = {
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH, ignoreTrailingSlash: true },
    trustProxy: context.trustProxy === true ? nearestProxy : (context.trustProxy ?? false),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => `urn:uuid:${randomUUID()}`,
    requestIdHeader: false,
    return503OnClosing: true,
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      void sendProblem(error, request, reply, context.publicOrigin),
    ...(logger === undefined ? { logger: { level: 'info' } } : {}),
    ...(logger ? { loggerInstance: logger } : {}),
    ...(tls ? { https: httpsOptions(tls) } : {}),
  };
  // One type for http and https: nothing here depends on which it is.
  return Fastify(common as FastifyServerOptions) as unknown as FastifyInstance;
}

/** Other TLS material for connections from now on, of a server that was made with some. */
export function takeTls(server: FastifyInstance, tls: TlsOptions): void {
  (server.server as unknown as TlsServer).setSecureContext(httpsOptions(tls));
}

function httpsOptions({ cert, key, clientAuthorities }: TlsOptions) {
  if (!clientAuthorities) return { cert, key };
  // Devices are told which authorities' certificates are wanted; who shows none goes on. What was shown is judged where it is used.
  return { cert, key, ca: clientAuthorities, requestCert: true, rejectUnauthorized: false };
}
