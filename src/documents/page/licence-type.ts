/**
 * The kinds of licence this installation issues: what each must say, how long it is good for, and the form it is printed on.
 * One JSON file per type in `templates/licences/`; a faulty file stops the start, not the first issue.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { isUscc } from './check-identifier.ts';
import { pageTemplateSchema, placeholdersOf, textStyleSchema } from './page-template.ts';

const bilingual = z.strictObject({ zh: z.string().min(1).max(60), en: z.string().min(1).max(120) });

const fieldSchema = z.strictObject({
  key: z.string().regex(/^[a-z][a-zA-Z0-9]{0,39}$/),
  label: bilingual,
  kind: z.enum(['text', 'date', 'choice', 'citizen-number', 'uscc']),
  /** Unicode characters. */
  maxLength: z.int().min(1).max(1000).default(100),
  required: z.boolean().default(true),
  /** Masked wherever somebody other than the holder or a verifying office looks. */
  masked: z.boolean().default(false),
  multiline: z.boolean().default(false),
  choices: z.array(z.strictObject({ value: z.string().min(1).max(40), zh: z.string().min(1), en: z.string().min(1) })).optional(),
  pattern: z.string().max(200).optional(),
  /** Shown in forms and used by tests; never a real person's. */
  example: z.string(),
});

const place = z.strictObject({
  pageIndex: z.int().min(0).max(9),
  xMm: z.number().min(0),
  yMm: z.number().min(0),
  widthMm: z.number().positive(),
  heightMm: z.number().positive(),
});

const licenceTypeSchema = z
  .strictObject({
    slug: z.string().regex(/^[a-z][a-z-]{1,39}$/),
    /** 证照类型代码, GB/T 36904: code of the body that defines the type, and three digits. */
    code: z.string().regex(/^[0-9A-Z]{18}[0-9]{3}$/),
    /** Whether `code` is made up, because no published one was found. */
    syntheticCode: z.boolean(),
    name: bilingual,
    holderKind: z.enum(['natural', 'legal']),
    holderLabel: bilingual,
    holderIdentifierLabel: bilingual,
    definingAuthority: z.strictObject({ name: z.string().min(1), code: z.string().refine(isUscc, 'not a unified social credit code') }),
    validity: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('unlimited') }),
      z.strictObject({ kind: z.literal('years'), years: z.int().min(1).max(50) }),
      z.strictObject({ kind: z.literal('fields'), from: z.string(), to: z.string() }),
    ]),
    /** How old a status list may be before an offline check of this type must say "too old". */
    statusMaxAgeSeconds: z.int().min(60).max(31_536_000),
    hasPhoto: z.boolean(),
    seal: place,
    fields: z.array(fieldSchema).min(1).max(60),
    styles: z.record(z.string(), textStyleSchema),
    pages: z.array(pageTemplateSchema).min(1).max(10),
  })
  .superRefine((type, context) => {
    const keys = new Set(type.fields.map((field) => field.key));
    const complain = (message: string) => context.addIssue({ code: 'custom', message });
    if (keys.size !== type.fields.length) complain('two fields have the same key');
    if (!type.code.startsWith(type.definingAuthority.code)) complain('the type code does not start with its defining authority');
    for (const field of type.fields) {
      if ((field.kind === 'choice') !== (field.choices !== undefined)) complain(`field ${field.key}: choices and kind disagree`);
    }
    for (const element of type.pages.flatMap((page) => page.elements)) {
      if (element.kind !== 'text') continue;
      if (!type.styles[element.style]) complain(`no style ${element.style}`);
      for (const name of [...placeholdersOf(element.text), ...(element.when ? [element.when] : [])]) {
        if (!keys.has(name) && !COMMON_PLACEHOLDERS.has(name)) complain(`no field ${name}`);
      }
    }
    if (type.seal.pageIndex >= type.pages.length) complain('the seal stands on a page that is not there');
  });

/** What every licence has besides its own fields. */
export const COMMON_PLACEHOLDERS: ReadonlySet<string> = new Set([
  '@identifier',
  '@number',
  '@holder',
  '@holder-identifier',
  '@issuer',
  '@issued-on',
  '@valid-from',
  '@valid-to',
  '@validity',
]);

export type LicenceType = z.output<typeof licenceTypeSchema>;
export type LicenceField = LicenceType['fields'][number];
export type SealPlace = z.output<typeof place>;

/** @throws ZodError naming every fault of a template. */
export function parseLicenceType(json: unknown): LicenceType {
  return licenceTypeSchema.parse(json);
}

let types: readonly LicenceType[] | undefined;

/** Ordered by slug. */
export function listLicenceTypes(): readonly LicenceType[] {
  if (!types) {
    const folder = new URL('../../../templates/licences/', import.meta.url);
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort();
    types = files.map((name) => parseLicenceType(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))));
  }
  return types;
}

/** By type code (21 characters) or slug. */
export function findLicenceType(codeOrSlug: string): LicenceType | undefined {
  return listLicenceTypes().find((type) => type.slug === codeOrSlug || type.code === codeOrSlug);
}
