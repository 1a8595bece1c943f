/** Kinds of seal: the number that stands in the seal structure, what is written on it, and how large it is. */
export const SEAL_KINDS = {
  /** 电子法定名称章: stands for the organisation in everything. */
  official: { type: 1, purpose: undefined, drawing: 'official' },
  finance: { type: 2, purpose: '财务专用章', drawing: 'special' },
  contract: { type: 4, purpose: '合同专用章', drawing: 'special' },
  /** 电子证照专用章: has no number of its own in the national table; 6 is 业务专用章, of which it is one. */
  licence: { type: 6, purpose: '电子证照专用章', drawing: 'special' },
} as const;

export type SealKind = keyof typeof SEAL_KINDS;

export function isSealKind(text: string): text is SealKind {
  return Object.hasOwn(SEAL_KINDS, text);
}

/** The full name of a seal. */
export function sealNameOf(organisationName: string, kind: SealKind): string {
  return organisationName + (SEAL_KINDS[kind].purpose ?? '');
}
