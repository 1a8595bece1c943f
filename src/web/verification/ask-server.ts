/** A thread's side of questions to the server: it has no keys and no store, and gets a timestamp or a certificate's status on asking. */
import type { MessagePort } from 'node:worker_threads';
import { unpackProblem } from './send-problem.ts';
import type { Question, QuestionReply, WorkerMessage } from './worker-messages.ts';

/** A file with many signatures asks for each of their chains; more than this only a hostile one does. */
const MAX_QUESTIONS = 500;

export interface Asking {
  /** Throws what the server threw, when it was a Problem. */
  ask(question: Question): Promise<Uint8Array>;
  take(reply: QuestionReply): void;
  /** A new task may ask anew. */
  begin(): void;
}

export function askServer(port: MessagePort): Asking {
  const open = new Map<number, (reply: QuestionReply) => void>();
  let last = 0;
  let asked = 0;
  return {
    begin() {
      asked = 0;
    },
    async ask(question) {
      if (++asked > MAX_QUESTIONS) throw new Error('too many questions about one file');
      const number = ++last;
      const answered = new Promise<QuestionReply>((resolve) => open.set(number, resolve));
      port.postMessage({ number, question } satisfies WorkerMessage);
      const reply = await answered;
      if ('problem' in reply) throw unpackProblem(reply.problem);
      return reply.reply;
    },
    take(reply) {
      open.get(reply.number)?.(reply);
      open.delete(reply.number);
    },
  };
}
