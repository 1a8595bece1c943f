/**
 * How sure we are who a person is. One ladder, five steps, each backed by evidence with a method, a time, a source and perhaps an end:
 * 1 a phone answered · 2 self-declared name · 3 name and number match a register · 4 face against the document · 5 counter or certificate.
 */
export type AssuranceLevel = 1 | 2 | 3 | 4 | 5;

const LEVEL_OF_METHOD = {
  'phone-code': 1,
  'self-declared': 2,
  'registry-match': 3,
  face: 4,
  counter: 5,
  certificate: 5,
} as const satisfies Record<string, AssuranceLevel>;

export type EvidenceMethod = keyof typeof LEVEL_OF_METHOD;

export interface Evidence {
  method: EvidenceMethod;
  level: AssuranceLevel;
  /** Who vouched: a register's name, `staff:<id>` … */
  source: string;
  at: Date;
  expiresAt?: Date;
}

export function levelOfMethod(method: EvidenceMethod): AssuranceLevel {
  return LEVEL_OF_METHOD[method];
}

/** The highest level whose evidence has not expired at this instant; 1 when nothing holds. */
export function assuranceLevelAt(evidence: readonly Pick<Evidence, 'level' | 'expiresAt'>[], at: Date): AssuranceLevel {
  let level: AssuranceLevel = 1;
  for (const piece of evidence) {
    const holds = piece.expiresAt === undefined || at.getTime() < piece.expiresAt.getTime();
    if (holds && piece.level > level) level = piece.level;
  }
  return level;
}
