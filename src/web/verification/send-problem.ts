/** Problems cross from thread to thread as data: an Error would arrive without its code. */
import { Problem } from '#problem.ts';
import type { SentProblem } from './worker-messages.ts';

export function packProblem({ code, detail, detailZh, errors, retryAfterSeconds }: Problem): SentProblem {
  return {
    ...{ code, errors },
    ...(detail === undefined ? {} : { detail }),
    ...(detailZh === undefined ? {} : { detailZh }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

export function unpackProblem({ code, ...rest }: SentProblem): Problem {
  return new Problem(code, rest);
}
