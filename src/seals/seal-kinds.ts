/** Kinds of seal: the number that stands in the seal structure, what is written on it, how it is drawn and how large it is. */

export interface SealKindFacts {
  /** 01–05 after the national government platform: 法定名称章, 财务, 发票, 合同, 名章; 6 is 业务专用章. */
  type: number;
  /** The line under the star; undefined for none, `free` when the application says it. */
  purpose: string | 'free' | undefined;
  drawing: 'round' | 'oval' | 'name' | 'given';
  /** Diameters to choose from, millimetres; the first is the usual one. */
  diametersMm: readonly number[];
  isRed: boolean;
  /** How wide a picture that was sent may be. */
  givenMm: { least: number; most: number };
  /** Of the body itself, or of one person in it. */
  bearer: 'organisation' | 'person';
}

const ROUND = { drawing: 'round', isRed: true, givenMm: { least: 30, most: 60 }, bearer: 'organisation' } as const;

export const SEAL_KINDS = {
  /** 电子法定名称章: stands for the organisation in everything. Diameters by rank (国发〔1999〕25号). */
  official: { ...ROUND, type: 1, purpose: undefined, diametersMm: [42, 40, 45, 50] },
  finance: { ...ROUND, type: 2, purpose: '财务专用章', diametersMm: [38, 40, 42] },
  invoice: {
    ...{ type: 3, purpose: '发票专用章', drawing: 'oval', diametersMm: [] },
    ...{ isRed: true, givenMm: { least: 40, most: 40 }, bearer: 'organisation' },
  },
  contract: { ...ROUND, type: 4, purpose: '合同专用章', diametersMm: [38, 40, 42] },
  /** 电子证照专用章: has no number of its own in the national table; 6 is 业务专用章, of which it is one. */
  licence: { ...ROUND, type: 6, purpose: '电子证照专用章', diametersMm: [42, 40, 45] },
  special: { ...ROUND, type: 6, purpose: 'free', diametersMm: [40, 38, 42, 45] },
  'legal-representative': {
    ...{ type: 5, purpose: undefined, drawing: 'name', diametersMm: [] },
    ...{ isRed: true, givenMm: { least: 15, most: 36 }, bearer: 'person' },
  },
  /** 个人签名: a person's handwriting, so it always comes as a picture. */
  signature: {
    ...{ type: 5, purpose: undefined, drawing: 'given', diametersMm: [] },
    ...{ isRed: false, givenMm: { least: 15, most: 60 }, bearer: 'person' },
  },
} as const satisfies Record<string, SealKindFacts>;

export type SealKind = keyof typeof SEAL_KINDS;
export const SEAL_KIND_NAMES = Object.keys(SEAL_KINDS) as SealKind[];

export function isSealKind(text: string): text is SealKind {
  return Object.hasOwn(SEAL_KINDS, text);
}

/** What stands under the star. */
export function bottomTextOf(kind: SealKind, purpose: string | null): string {
  const fixed = SEAL_KINDS[kind].purpose;
  return (fixed === 'free' ? purpose : fixed) ?? '';
}

/** The full name of a seal. Whose name a name seal shows is in its picture only. */
export function sealNameOf(organisationName: string, kind: SealKind, purpose: string | null): string {
  if (kind === 'legal-representative') return `${organisationName}法定代表人名章`;
  if (kind === 'signature') return `${organisationName}个人签名章`;
  return organisationName + bottomTextOf(kind, purpose);
}
