/** Shapes that several operations answer, as OpenAPI shows them. */
import { z } from 'zod';
import { STEP_NAMES, VERDICTS } from '#documents/verdict.ts';
import { LICENCE_STATUSES } from '#licences/licence-status.ts';

const FORMS = ['ses-v1', 'ses-v4', 'ses-v5', 'gbt35275', 'bare', 'pades-b', 'pades-t', 'pades-lt', 'pades-lta', 'cms', 'rfc3161'] as const;

export const ProblemSchema = z
  .object({
    type: z.string().describe('Address of a page that explains it'),
    title: z.string(),
    titleZh: z.string(),
    status: z.int(),
    code: z.string().describe('Stable; what programs go by'),
    detail: z.string().optional(),
    detailZh: z.string().optional(),
    instance: z.string().describe('Id of this request'),
    errors: z.array(z.object({ pointer: z.string().describe('RFC 6901'), detail: z.string(), detailZh: z.string().optional() })).optional(),
  })
  .meta({ id: 'Problem' });

const field = z.object({ key: z.string(), label: z.object({ zh: z.string(), en: z.string() }), value: z.string() });

export const LicenceSchema = z
  .object({
    id: z.string(),
    identifier: z.string().describe('GB/T 36904 licence identifier with its check character'),
    number: z.string(),
    version: z.int(),
    typeKey: z.string(),
    typeCode: z.string(),
    typeName: z.string(),
    typeNameEn: z.string(),
    status: z.string(),
    statusAsOf: z.date(),
    issuerName: z.string(),
    holderKind: z.enum(['natural', 'legal']),
    holderName: z.string(),
    holderIdentifier: z.string(),
    issuedAt: z.date(),
    validFrom: z.string().optional(),
    validTo: z.string().optional(),
    fields: z.array(field),
    publicAddress: z.string(),
  })
  .meta({ id: 'Licence' });

export const RedemptionSchema = z
  .object({
    verdict: z.enum(['valid', 'used', 'expired', 'not-yet-valid', 'licence-not-in-force', 'unknown-key', 'forged', 'malformed']),
    type: z.enum(['licence', 'named-licence']).nullable(),
    licenceType: z.string().nullable(),
    issuedAt: z.string().nullable(),
    expiresAt: z.string().nullable(),
    statusAsOf: z.string().nullable(),
    holder: z.enum(['shown-by-holder', 'not-proven']),
    reasons: z.array(z.string()),
    status: z.enum(LICENCE_STATUSES).optional(),
    licence: z
      .object({
        identifier: z.string(),
        number: z.string(),
        typeName: z.string(),
        typeNameEn: z.string(),
        status: z.enum(LICENCE_STATUSES),
        issuerName: z.string(),
        holderName: z.string(),
        holderIdentifier: z.string(),
        validFrom: z.string().nullable(),
        validTo: z.string().nullable(),
        fields: z.array(field),
        photo: z.string().optional().describe('Base64 of a PNG or JPEG'),
      })
      .optional(),
    receipt: z.string().optional().describe('JWS, for the verifier’s file'),
    lookUpId: z.string().optional(),
    usedAt: z.string().optional(),
  })
  .meta({ id: 'Redemption' });

const verdict = z.enum(VERDICTS);
const words = z.array(z.string());

/** The same JSON as `tongren verify FILE --json`. */
export const FileVerdictSchema = z
  .object({
    file: z.object({ name: z.string(), bytes: z.int(), sha256: z.string() }).nullable(),
    format: z.enum(['ofd', 'pdf', 'seal', 'unknown']),
    verdict,
    official: z.boolean(),
    reasons: words,
    signatures: z.array(
      z.object({
        index: z.int(),
        kind: z.enum(['seal', 'signature', 'timestamp']),
        form: z.enum(FORMS).nullable(),
        suite: z.string().nullable(),
        verdict,
        signer: z
          .object({
            subject: z.string(),
            organisation: z.string(),
            uscc: z.string(),
            profile: z.string(),
            serial: z.string(),
            issuer: z.string(),
          })
          .nullable(),
        seal: z.object({ id: z.string(), name: z.string(), kind: z.string(), validFrom: z.string(), validTo: z.string() }).nullable(),
        time: z.object({ claimed: z.string().nullable(), proven: z.string().nullable() }),
        coverage: z.enum(['whole-file', 'whole-revision', 'partial']),
        uncovered: words,
        changesAfter: words,
        reasons: words,
        indication: z
          .enum(['TOTAL-PASSED', 'INDETERMINATE', 'TOTAL-FAILED'])
          .nullable()
          .describe('PDF only: the main indication of EN 319 102-1'),
        subIndication: z.string().nullable(),
        steps: z
          .array(z.object({ step: z.enum(STEP_NAMES), result: z.enum(['passed', 'failed', 'not-checked']), reasons: words }))
          .describe('What was looked at, in order; OFD only, empty for other files'),
      }),
    ),
    licence: z.object({ identifier: z.string(), type: z.string(), status: z.string(), asOf: z.string(), source: z.string() }).nullable(),
  })
  .meta({ id: 'FileVerdict' });

/** The same JSON as `tongren verify A B --json`. */
export const SameLicenceSchema = z
  .object({
    files: z.array(FileVerdictSchema),
    sameLicence: z.object({ verdict: z.enum(['same', 'different', 'not-proven']), reasons: words }),
  })
  .meta({ id: 'SameLicence' });

/** What every protected operation may answer beside its own. */
export const refusals = { 401: ProblemSchema, 403: ProblemSchema, 422: ProblemSchema };

export const tokenOrSession = (scope: string) => [{ token: [scope] }, { session: [] }];
