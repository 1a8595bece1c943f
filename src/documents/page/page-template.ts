/**
 * The form of a licence as written in `templates/licences/*.json`, in millimetres. Text may hold placeholders: `{key}` for a field of
 * the licence, `{@name}` for what every licence has (`@identifier @number @holder @holder-identifier @issuer @issued-on @valid-from
 * @valid-to @validity`). An element all of whose placeholders are empty is left out; one without placeholders belongs to the form.
 */
import { z } from 'zod';

const length = z.number().min(-50).max(1000);
const colour = z.string().regex(/^#[0-9a-f]{6}$/);
const box = z.tuple([length, length, z.number().positive().max(1000), z.number().positive().max(1000)]);
const point = z.tuple([length, length]);
const pen = { stroke: colour.optional(), fill: colour.optional(), lineWidth: z.number().positive().max(20).default(0.2) };

const styleShape = {
  face: z.enum(['serif', 'serif-bold', 'sans', 'sans-bold']),
  size: z.number().positive().max(60),
  minimumSize: z.number().positive().max(60).optional(),
  colour,
  tracking: z.number().min(-0.2).max(4),
  align: z.enum(['left', 'centre', 'right', 'justify']),
  verticalAlign: z.enum(['top', 'middle', 'bottom']),
  lineHeight: z.number().min(1).max(4),
  lines: z.int().min(1).max(60),
};

export const textStyleSchema = z.strictObject({
  ...styleShape,
  colour: colour.default('#1a1a1a'),
  tracking: styleShape.tracking.default(0),
  align: styleShape.align.default('left'),
  verticalAlign: styleShape.verticalAlign.default('middle'),
  lineHeight: styleShape.lineHeight.default(1.5),
  lines: styleShape.lines.default(1),
});

/** Without defaults: what is not said stays as the named style has it. */
const overridingStyleSchema = z.strictObject(styleShape).partial();

const elementSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('text'),
    text: z.string().min(1).max(200),
    box,
    /** Name of one of the template's styles; what follows overrides it. */
    style: z.string(),
    with: overridingStyleSchema.optional(),
    /** Only drawn when this placeholder has a value. */
    when: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('rectangle'), box, radius: z.number().min(0).max(50).default(0), ...pen }),
  z.strictObject({ kind: z.literal('line'), from: point, to: point, dash: z.array(z.number().positive()).max(8).optional(), ...pen }),
  z.strictObject({ kind: z.literal('circle'), at: point, radius: z.number().positive().max(200), ...pen }),
  z.strictObject({
    kind: z.literal('rosette'),
    at: point,
    radius: z.number().positive().max(200),
    innerRatio: z.number().min(0).max(1),
    petals: z.int().min(3).max(60),
    strands: z.int().min(1).max(24),
    ...pen,
  }),
  z.strictObject({
    kind: z.literal('wave-frame'),
    box,
    band: z.number().positive().max(40),
    wavelength: z.number().positive().max(60),
    strands: z.int().min(1).max(12),
    ...pen,
  }),
  z.strictObject({
    kind: z.literal('wave-field'),
    box,
    spacing: z.number().min(0.5).max(40),
    amplitude: z.number().positive().max(40),
    wavelength: z.number().min(2).max(300),
    ...pen,
  }),
  /** Address of the public status page. */
  z.strictObject({ kind: z.literal('qr'), at: point, size: z.number().min(8).max(80), colour: colour.default('#000000') }),
  /** The holder's portrait, filled to the box; an empty frame says so when there is none. */
  z.strictObject({ kind: z.literal('photo'), box, ...pen }),
]);

export type TemplateElement = z.output<typeof elementSchema>;
export type TemplateTextStyle = z.output<typeof textStyleSchema>;

export const pageTemplateSchema = z.strictObject({
  width: z.number().min(40).max(1000),
  height: z.number().min(30).max(1000),
  elements: z.array(elementSchema).max(400),
});
export type PageTemplate = z.output<typeof pageTemplateSchema>;

const PLACEHOLDER = /\{(@?[a-zA-Z][a-zA-Z0-9-]*)\}/g;

/** Names inside the braces, in order. */
export function placeholdersOf(text: string): string[] {
  return [...text.matchAll(PLACEHOLDER)].map((match) => match[1] ?? '');
}

/** The text with its placeholders filled in, or undefined when it has some and all are empty. */
export function fillPlaceholders(text: string, textOf: (name: string) => string): string | undefined {
  const names = placeholdersOf(text);
  if (names.length > 0 && names.every((name) => textOf(name) === '')) return undefined;
  return text.replace(PLACEHOLDER, (_whole, name: string) => textOf(name));
}
