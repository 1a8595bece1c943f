/** The server's side of a thread's questions: timestamps by our authority, answers by our responder. */
import { answerOcsp } from '#certificates/answer-ocsp.ts';
import { requestTimestamp, type TimestampDeps } from '#certificates/issue-timestamp.ts';
import type { Question } from './worker-messages.ts';

export type AnswerQuestion = (question: Question) => Promise<Uint8Array>;

export function answerThread(deps: TimestampDeps): AnswerQuestion {
  return async (question) => {
    if (question.about === 'ocsp') return (await answerOcsp(deps, question.request)).der;
    const { imprint, suite } = question;
    return requestTimestamp(deps, { imprint, digest: suite === 'sm2-sm3' ? 'sm3' : 'sha256', suite });
  };
}
