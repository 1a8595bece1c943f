/**
 * Sessions with one token: a pool, each session with one call at a time, all of them logged in once. When the token was pulled,
 * restarted or logged out behind our back, they are opened anew and the work is done once more.
 */
import { Problem } from '#problem.ts';
import { loadPkcs11Module, Pkcs11Error, type Pkcs11Module } from './pkcs11-module.ts';

export interface Pkcs11Token {
  modulePath: string;
  /** Label or serial number of the token. */
  token: string;
  pin: string;
  /** Calls at the same time. */
  sessions?: number;
  timeoutMs?: number;
}

/** What was opened together and is lost together; handles of objects hold for as long. */
export interface Opened {
  readonly slot: bigint;
  readonly mechanisms: ReadonlySet<number>;
  readonly objects: Map<string, bigint>;
  readonly idle: bigint[];
}

type Work<T> = (module: Pkcs11Module, session: bigint, opened: Opened) => Promise<T>;

export interface Pkcs11Sessions {
  readonly mechanisms: ReadonlySet<number>;
  /**
   * Runs `work` with a session of its own, a second time when the token was lost meanwhile.
   * Throws Problem `key-store-unavailable` when it stays away or takes too long.
   */
  use<T>(work: Work<T>): Promise<T>;
  close(): Promise<void>;
}

const DEFAULT_SESSIONS = 8;
const DEFAULT_TIMEOUT_MS = 10_000;

/** Throws a plain Error when module or token are not there or the PIN is wrong; a wrong PIN is never tried twice. */
export async function openPkcs11Sessions(options: Pkcs11Token, load = loadPkcs11Module): Promise<Pkcs11Sessions> {
  const module = await load(options.modulePath);
  let limit = options.sessions ?? DEFAULT_SESSIONS;
  const pin = Buffer.from(options.pin, 'utf8');
  let current: Promise<Opened> | undefined;
  let pinRefused = false;
  let busy = 0;
  const queue: (() => void)[] = [];

  const open = async (): Promise<Opened> => {
    if (pinRefused) throw new Error(PIN_REFUSED);
    await module.initialise();
    const found = await module.findToken(options.token);
    if (!found) throw new Error(`There is no token named ${options.token}. / 未找到名为 ${options.token} 的密钥设备。`);
    const { slot, maxSessions = limit } = found;
    limit = Math.min(limit, maxSessions);
    const mechanisms = await module.mechanisms(slot);
    const session = await module.openSession(slot);
    try {
      await module.login(session, pin);
    } catch (error) {
      // Tokens lock themselves after a few wrong PINs: this was the only try.
      pinRefused = error instanceof Pkcs11Error && error.isPinFault;
      await module.closeSession(session).catch(() => undefined);
      throw pinRefused ? new Error(PIN_REFUSED, { cause: error }) : error;
    }
    return { slot, mechanisms, objects: new Map(), idle: [session] };
  };

  const opened = (): Promise<Opened> => {
    if (!current) {
      const opening = open();
      current = opening;
      opening.catch(() => {
        if (current === opening) current = undefined;
      });
    }
    return current;
  };

  const enter = async (): Promise<void> => {
    if (busy < limit) busy++;
    else await new Promise<void>((done) => queue.push(done));
  };
  const leave = (): void => {
    const next = queue.shift();
    if (next) next();
    else busy--;
  };

  const once = async <T>(work: Work<T>): Promise<T> => {
    const opening = opened();
    const all = await opening;
    const session = all.idle.pop() ?? (await module.openSession(all.slot));
    let giveBack = true;
    try {
      return await inTime(work(module, session, all), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    } catch (error) {
      // A session in the middle of a call that never ended must not be used again.
      giveBack = !(error instanceof TookTooLong);
      throw error;
    } finally {
      if (giveBack && current === opening) all.idle.push(session);
      else if (giveBack) await module.closeSession(session).catch(() => undefined);
    }
  };

  const forget = (): void => {
    const lost = current;
    current = undefined;
    lost?.then((all) => all.idle.map((session) => module.closeSession(session).catch(() => undefined))).catch(() => undefined);
  };

  const sessions: Omit<Pkcs11Sessions, 'mechanisms'> = {
    async use(work) {
      await enter();
      try {
        const began = current;
        try {
          return await once(work);
        } catch (error) {
          if (!(error instanceof Pkcs11Error && error.isLost)) throw error;
          // Several lose it at once; the first to notice opens anew for all.
          if (current === began || !began) forget();
          return await once(work);
        }
      } catch (error) {
        throw error instanceof Problem ? error : new Problem('key-store-unavailable', { cause: error });
      } finally {
        leave();
      }
    },
    async close() {
      forget();
      await Promise.resolve();
    },
  };
  const { mechanisms } = await opened();
  return { mechanisms, ...sessions };
}

const PIN_REFUSED = 'The token refused the PIN; it is not tried again before a restart. / 密钥设备拒绝了 PIN，重启前不再尝试。';

class TookTooLong extends Error {}

async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new TookTooLong('the token took too long')), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
