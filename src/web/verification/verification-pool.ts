/**
 * A few threads for work on files from outside. A task that takes too long costs its thread, which is replaced;
 * when all are busy and the queue is full the caller hears so at once. Threads rest after a while.
 */
import { Worker } from 'node:worker_threads';
import { Problem } from '#problem.ts';
import type {
  PictureAnswer,
  PictureTask,
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

  async function run(task: WorkerTask): Promise<WorkerAnswer> {
    await takeTurn();
    const thread = resting.pop() ?? startThread(heapMb, living);
    clearTimeout(thread.idle);
    thread.worker.ref();
    try {
      const message = await ask(thread.worker, task, timeoutMs);
      rest(thread);
      if (message.answer) return message.answer;
      throw new Problem('picture-not-possible', { cause: new Error(message.failure) });
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
  return kind === 'verify' && buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength && bytes.byteLength > 1024 * 1024
    ? [buffer]
    : [];
}

/** Rejects with `file-too-costly` when the thread runs out of time or memory. */
function ask(worker: Worker, task: WorkerTask, timeoutMs: number): Promise<WorkerMessage> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      worker.off('message', onMessage).off('error', giveUp).off('exit', giveUp);
      act();
    };
    const giveUp = (cause?: unknown) => settle(() => reject(new Problem('file-too-costly', { cause })));
    const onMessage = (message: WorkerMessage) => settle(() => resolve(message));
    const timer = setTimeout(giveUp, timeoutMs);
    worker.on('message', onMessage).on('error', giveUp).on('exit', giveUp);
    worker.postMessage(task, transferable(task));
  });
}
