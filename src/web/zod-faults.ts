/** Validation errors as field faults: an RFC 6901 pointer, and the matter in English and Chinese. */
import { z } from 'zod';
import type { FieldFault } from '#problem.ts';

const chinese = z.locales.zhCN().localeError;
const english = z.locales.en().localeError;

/** Reports at most this many: a list of a thousand helps nobody. */
const MAX_FAULTS = 50;

export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function sentence(say: typeof chinese, issue: z.core.$ZodRawIssue): string | undefined {
  const said = say(issue);
  return typeof said === 'string' ? said : said?.message;
}

/**
 * The issues of one failed parse. A schema's own message wins over zod's in English; where it holds
 * `English / 中文`, the two halves are used.
 */
export function faultsOfZodError(error: z.core.$ZodError, prefix = ''): FieldFault[] {
  return flattened(error.issues)
    .slice(0, MAX_FAULTS)
    .map((issue) => faultOf(issue, prefix + pointerOf(issue.path)));
}

/** Where one of several shapes was wanted and only one of them is of the kind that came, what is wrong by that one. */
function flattened(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union') return [issue];
    const near = issue.errors.filter((branch) => !branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0));
    const [only] = near;
    if (!only || near.length > 1) return [issue];
    return flattened(only).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  });
}

function faultOf(issue: z.core.$ZodIssue, pointer: string): FieldFault {
  const [own, ownZh] = issue.message.split(' / ', 2);
  if (ownZh !== undefined) return { pointer, detail: own ?? issue.message, detailZh: ownZh };
  const raw = { ...issue, input: undefined } as unknown as z.core.$ZodRawIssue;
  const isOwnMessage = issue.code === 'custom';
  const detailZh = isOwnMessage ? undefined : sentence(chinese, raw);
  return { pointer, detail: issue.message || sentence(english, raw) || 'Not acceptable.', ...(detailZh ? { detailZh } : {}) };
}
