/** From when to when a licence of a type is good. */
import type { LicenceType } from './licence-type.ts';

export interface Validity {
  /** `YYYY-MM-DD`. */
  validFrom: string;
  /** Last day; absent when without end. */
  validTo?: string;
}

/** A term of n years ends on the day before the n-th anniversary. */
export function validityOf(type: LicenceType, fields: Readonly<Record<string, string>>, issuedOn: string): Validity {
  const rule = type.validity;
  if (rule.kind === 'unlimited') return { validFrom: issuedOn };
  if (rule.kind === 'fields') {
    const validTo = fields[rule.to];
    return { validFrom: fields[rule.from] ?? issuedOn, ...(validTo ? { validTo } : {}) };
  }
  const end = new Date(`${issuedOn}T00:00:00Z`);
  end.setUTCFullYear(end.getUTCFullYear() + rule.years);
  // 29 February of a year that has none has rolled over to 1 March: its eve is the last of February, as it should be.
  end.setUTCDate(end.getUTCDate() - 1);
  return { validFrom: issuedOn, validTo: end.toISOString().slice(0, 10) };
}
