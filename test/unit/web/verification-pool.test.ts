import { afterAll, describe, expect, test } from 'vitest';
import { slots } from '#web/verification/slots.ts';
import { verificationPool } from '#web/verification/verification-pool.ts';

const TRUST = { anchors: [], intermediates: [], crls: [], listed: [] };
const task = (bytes: Uint8Array) => ({ bytes, name: 'x', at: new Date('2026-06-01T08:00:00Z'), trust: TRUST, withPictures: true });

describe('threads for files from outside', () => {
  const pool = verificationPool({ threads: 1, queue: 1 });
  afterAll(() => pool.close());

  test('judge what they are given', async () => {
    const { report, pictures } = await pool.verify(task(new TextEncoder().encode('hello')));
    expect(report).toMatchObject({ format: 'unknown', official: false });
    expect(pictures).toEqual([]);
  });

  test('beyond those at work and waiting, the next is told to come back', async () => {
    const work = [1, 2, 3].map(() =>
      pool.verify(task(new Uint8Array(10))).then(
        () => 'answered',
        (error: { code: string }) => error.code,
      ),
    );
    expect(await Promise.all(work)).toEqual(['answered', 'answered', 'unavailable']);
  });

  test('a picture that cannot be made is refused, and the thread works on', async () => {
    await expect(pool.picture({ bytes: new Uint8Array(10), format: 'pdf', page: 0, dpi: 96 })).rejects.toMatchObject({
      code: 'picture-not-possible',
    });
    expect((await pool.verify(task(new Uint8Array()))).report.verdict).toBe('malformed');
  });
});

test('a file that outlasts its time costs its thread, and the next one is served', async () => {
  const hasty = verificationPool({ threads: 1, timeoutMs: 1 });
  await expect(hasty.verify(task(new Uint8Array(10)))).rejects.toMatchObject({ code: 'file-too-costly' });
  await expect(hasty.verify(task(new Uint8Array(10)))).rejects.toMatchObject({ code: 'file-too-costly' });
  await hasty.close();
});

test('slots are given back, also by work that fails', async () => {
  const inSlot = slots(1);
  let finish: () => void = () => {};
  const first = inSlot(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await expect(inSlot(async () => 1)).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 5 });
  finish();
  await first;
  await expect(inSlot(() => Promise.reject(new Error('x')))).rejects.toThrow('x');
  expect(await inSlot(async () => 2)).toBe(2);
});
