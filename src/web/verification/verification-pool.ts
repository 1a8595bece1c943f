/**
 * A few threads for work on files from outside. A task that takes too long costs its thread, which is replaced;
 * when all are busy and the queue is full the caller hears so at once. Threads rest after a while.
 */
import { Worker } from 'node:worker_threads';
import type { ProvenPdf } from '#documents/pdf/prove-signed-pdf.ts';
import { Problem } from '#problem.ts';
import type { AnswerQuestion } from './answer-thread.ts';
import { packProblem, unpackProblem } from './send-problem.ts';
import type {
  FinishSignatureTask,
  PictureAnswer,
  PictureTask,
  PreparedSignature,
  PrepareSignatureTask,
  QuestionReply,
  VerificationAnswer,
  VerificationTask,
  WorkerAnswer,
  WorkerMessage,
  WorkerTask,
} from './worker-messages.ts';

export interface PoolLimits {
  threads: number;
  /** Tasks waiting beyond those under way. */
  queue: number;
  timeoutMs: number;
  /** JavaScript heap of one thread; its buffers are bounded by the size of uploads. */
  heapMb: number;
  idleMs: number;
}

const LIMITS: PoolLimits = { threads: 2, queue: 6, timeoutMs: 20_000, heapMb: 384, idleMs: 60_000 };

export interface VerificationPool {
  /** Throws Problem `unavailable` when too much is waiting, `file-too-costly` when the file outlasted its time or memory. */
  verify(task: Omit<VerificationTask, 'kind'>): Promise<VerificationAnswer>;
  picture(task: Omit<PictureTask, 'kind'>): Promise<Uint8Array>;
  /** Throws as `prepareHeldSignature`, and as `verify`. */
  prepareSignature(task: Omit<PrepareSignatureTask, 'kind'>): Promise<PreparedSignature>;
  /** Throws as `finishHeldSignature`, and as `verify`. What is asked meanwhile, `answer` answers. */
  finishSignature(task: Omit<FinishSignatureTask, 'kind'>, answer: AnswerQuestion): Promise<ProvenPdf>;
  close(): Promise<void>;
}

interface Thread {
  worker: Worker;
  idle?: NodeJS.Timeout;
}

export function verificationPool(limits: Partial<PoolLimits> = {}): VerificationPool {
  const { threads, queue, timeoutMs, heapMb, idleMs } = { ...LIMITS, ...limits };
  const living = new Set<Thread>();
  const resting: Thread[] = [];
  const waiting: (() => void)[] = [];
  let busy = 0;

  async function takeTurn(): Promise<void> {
    if (busy < threads) {
      busy++;
      return;
    }
    if (waiting.length >= queue) throw new Problem('unavailable', { retryAfterSeconds: 5 });
    // Who leaves hands its turn over, so the count stays as it is.
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function leaveTurn(): void {
    const next = waiting.shift();
    if (next) next();
    else busy--;
  }

  async function run(task: WorkerTask, answer?: AnswerQuestion): Promise<WorkerAnswer> {
    await takeTurn();
    const thread = resting.pop() ?? startThread(heapMb, living);
    clearTimeout(thread.idle);
    thread.worker.ref();
    try {
      const message = await ask(thread.worker, task, timeoutMs, answer);
      rest(thread);
      if ('answer' in message) return message.answer;
      if (message.problem) throw unpackProblem(message.problem);
      const cause = new Error(message.failure);
      throw task.kind === 'picture' ? new Problem('picture-not-possible', { cause }) : cause;
    } catch (error) {
      if (!resting.includes(thread)) await end(thread);
      throw error;
    } finally {
      leaveTurn();
    }
  }

  function rest(thread: Thread): void {
    thread.worker.unref();
    thread.idle = setTimeout(() => {
      resting.splice(resting.indexOf(thread), 1);
      void end(thread);
    }, idleMs).unref();
    resting.push(thread);
  }

  async function end(thread: Thread): Promise<void> {
    clearTimeout(thread.idle);
    living.delete(thread);
    await thread.worker.terminate();
  }

  return {
    verify: async (task) => (await run({ ...task, kind: 'verify' })) as VerificationAnswer,
    picture: async (task) => ((await run({ ...task, kind: 'picture' })) as PictureAnswer).picture,
    prepareSignature: async (task) => (await run({ ...task, kind: 'prepare-signature' })) as PreparedSignature,
    finishSignature: async (task, answer) => (await run({ ...task, kind: 'finish-signature' }, answer)) as ProvenPdf,
    async close() {
      await Promise.all([...living].map(end));
    },
  };
}

function startThread(heapMb: number, living: Set<Thread>): Thread {
  const worker = new Worker(new URL('./verification-worker.ts', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
    // Options and secrets of the main program are not for this thread.
    execArgv: [],
    env: {},
  });
  const thread: Thread = { worker };
  living.add(thread);
  // Without a listener an error would end the process; `ask` reports it to the one who waits.
  worker.on('error', () => living.delete(thread));
  return thread;
}

/** An upload moves to the thread instead of being there twice; small ones may share their buffer with others and are copied. */
function transferable({ kind, bytes }: WorkerTask): ArrayBuffer[] {
  const { buffer } = bytes;
  return kind !== 'picture' && buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength && bytes.byteLength > 1024 * 1024
    ? [buffer]
    : [];
}

type Ending = Exclude<WorkerMessage, { question: unknown }>;

/** Rejects with `file-too-costly` when the thread runs out of time or memory. */
function ask(worker: Worker, task: WorkerTask, timeoutMs: number, answer?: AnswerQuestion): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      worker.off('message', onMessage).off('error', giveUp).off('exit', giveUp);
      act();
    };
    const giveUp = (cause?: unknown) => settle(() => reject(new Problem('file-too-costly', { cause })));
    const onMessage = (message: WorkerMessage) => {
      if (!('question' in message)) return settle(() => resolve(message));
      const { number, question } = message;
      replyTo(answer, question).then(
        (reply) => worker.postMessage({ number, ...reply } satisfies QuestionReply),
        // Not for the thread to know: the task ends with what went wrong here.
        (error) => settle(() => reject(error)),
      );
    };
    const timer = setTimeout(giveUp, timeoutMs);
    worker.on('message', onMessage).on('error', giveUp).on('exit', giveUp);
    worker.postMessage(task, transferable(task));
  });
}

async function replyTo(answer: AnswerQuestion | undefined, question: Parameters<AnswerQuestion>[0]) {
  if (!answer) throw new Error('a thread asks where nobody answers');
  try {
    return { reply: await answer(question) };
  } catch (error) {
    if (error instanceof Problem) return { problem: packProblem(error) };
    throw error;
  }
}
