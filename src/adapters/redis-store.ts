/**
 * Short-lived state in Redis, shared by every process. A dead server is an error in a millisecond, never a hang (no offline queue).
 * Each script touches one key, so it runs on Redis Cluster as it is.
 */
import { createClient } from 'redis';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import { Problem } from '#problem.ts';

export interface RedisStoreOptions {
  /** redis:// or rediss:// */
  url: string;
  prefix?: string;
  connectTimeoutMs?: number;
  /** Told once per lost connection; reconnecting goes on by itself. */
  onError?: (error: Error) => void;
}

/** Adds one; the time to live starts with the first. */
const INCREMENT = `
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count`;

/** ARGV: '1' when a value is expected, the expected value, the next value, milliseconds for a new entry. */
const REPLACE = `
local current = redis.call('GET', KEYS[1])
if ARGV[1] == '1' then
  if current ~= ARGV[2] then return 0 end
  redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL')
else
  if current then return 0 end
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
end
return 1`;

/** Connects, or throws when the server cannot be reached in time. */
export async function openRedisStore(options: RedisStoreOptions): Promise<EphemeralStore> {
  const { url, prefix = 'tongren:', connectTimeoutMs = 5_000, onError } = options;
  let opened = false;
  const client = createClient({
    url,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: connectTimeoutMs,
      // The first connection must work; later ones are tried again for ever, at most every two seconds.
      reconnectStrategy: (retries) => (opened ? Math.min(2_000, 50 * 2 ** Math.min(retries, 6)) : false),
    },
  });
  client.on('error', (error: Error) => onError?.(error));
  await client.connect();
  opened = true;

  const milliseconds = (ttlSeconds: number) => Math.max(1, Math.ceil(ttlSeconds * 1000));
  const named = (key: string) => prefix + key;
  /** A lost connection is our trouble, told as such; the cause goes to the log. */
  const answered = async <T>(reply: Promise<T>): Promise<T> => {
    try {
      return await reply;
    } catch (cause) {
      throw new Problem('unavailable', { cause });
    }
  };

  return {
    async get(key) {
      return (await answered(client.get(named(key)))) ?? undefined;
    },
    async set(key, value, ttlSeconds) {
      if (ttlSeconds > 0) await answered(client.set(named(key), value, { expiration: { type: 'PX', value: milliseconds(ttlSeconds) } }));
      else await answered(client.del(named(key)));
    },
    async setIfAbsent(key, value, ttlSeconds) {
      const reply = await answered(
        client.set(named(key), value, { condition: 'NX', expiration: { type: 'PX', value: milliseconds(ttlSeconds) } }),
      );
      return reply !== null;
    },
    async take(key) {
      return (await answered(client.getDel(named(key)))) ?? undefined;
    },
    async remove(key) {
      await answered(client.del(named(key)));
    },
    async increment(key, ttlSeconds) {
      return Number(await answered(client.eval(INCREMENT, { keys: [named(key)], arguments: [String(milliseconds(ttlSeconds))] })));
    },
    async replace(key, expected, next, ttlSeconds) {
      const reply = await answered(
        client.eval(REPLACE, {
          keys: [named(key)],
          arguments: [expected === undefined ? '0' : '1', expected ?? '', next, String(milliseconds(ttlSeconds))],
        }),
      );
      return Number(reply) === 1;
    },
    async ping() {
      try {
        return (await client.ping()) === 'PONG';
      } catch {
        return false;
      }
    },
    async close() {
      if (client.isOpen) client.destroy();
    },
  };
}
