/** A use-case's refusal as something a form can show again; what is not a client's matter is thrown on. */
import { CATALOGUE, type FieldFault, Problem, type ProblemCode } from '#problem.ts';

export interface Refusal {
  code: ProblemCode;
  status: number;
  en: string;
  zh: string;
  faults: readonly FieldFault[];
}

export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Problem) || error.status >= 500 || error.code === 'not-signed-in') throw error;
  const [status, en, zh] = CATALOGUE[error.code];
  return { code: error.code, status, en: error.detail ?? en, zh: error.detailZh ?? zh, faults: error.errors };
}

/** The refusal of a form that its own schema did not accept. */
export function refusalOfFaults(faults: readonly FieldFault[]): Refusal {
  const [status, en, zh] = CATALOGUE['invalid-input'];
  return { code: 'invalid-input', status, en, zh, faults };
}
