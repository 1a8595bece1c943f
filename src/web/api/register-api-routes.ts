/** The API for systems and for our own pages' modules, described by OpenAPI from the same schemas that check it. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { contentSecurityPolicy } from '#web/security-headers.ts';
import { sessionCookieName } from '#web/session.ts';
import type { VerifyUpload } from '#web/verification/verify-upload.ts';
import type { WebContext } from '#web/web-context.ts';
import { registerCertificateDecisions } from './certificate-decisions.ts';
import { registerCertificateOperations } from './certificate-operations.ts';
import { registerCodeOperations } from './code-operations.ts';
import { registerLicenceOperations } from './licence-operations.ts';
import { registerSealJobOperations } from './seal-job-operations.ts';
import { registerSealOperations } from './seal-operations.ts';
import { registerValidateOperation } from './validate-operation.ts';
import { registerVerifyOperation } from './verify-operation.ts';

export async function registerApiRoutes(server: FastifyInstance, context: WebContext, verifyUpload: VerifyUpload): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: '通认 Tongren API',
        version: context.version,
        description:
          'Errors are RFC 9457 problems; `code` is stable and for programs. Tokens: client credentials with private_key_jwt at /oidc/token.',
      },
      servers: [{ url: context.publicOrigin }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Access token of this issuer, scope per operation.' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: sessionCookieName(context.publicOrigin),
            description: 'Portal session; changes also need the header x-csrf-token.',
          },
        },
      },
    },
    transform: jsonSchemaTransform,
  });
  // The description's own page sets styles on elements; nothing of ours does.
  const staticCSP = contentSecurityPolicy().replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
  await server.register(swaggerUi, { routePrefix: '/api/docs', staticCSP, uiConfig: { validatorUrl: null, layout: 'BaseLayout' } });
  registerCodeOperations(server, context);
  registerCertificateOperations(server, context);
  registerCertificateDecisions(server, context);
  registerLicenceOperations(server, context);
  registerSealJobOperations(server, context);
  registerSealOperations(server, context);
  registerValidateOperation(server, context);
  registerVerifyOperation(server, verifyUpload);
}
