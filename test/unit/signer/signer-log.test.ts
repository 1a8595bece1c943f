import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { keepLogHeads } from '#signer/keep-log-heads.ts';
import { signLogHead, verifyLogHead } from '#signer/log-head.ts';
import type { SignerLogLine } from '#signer/log-line.ts';
import { openSignerLog, type SignerLog } from '#signer/signer-log.ts';
import { verifySignerLog } from '#signer/verify-signer-log.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { seededRandom } from '../../fakes/seeded-random.ts';
import { testClock } from '../../fakes/test-clock.ts';

const base = mkdtempSync(join(tmpdir(), 'tongren-signer-log-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
let number = 0;
const freshFolder = () => join(base, `log-${number++}`);
const clock = testClock('2026-06-01T08:00:00.000Z');
const line = (n: number): SignerLogLine => ({
  at: clock.now().toISOString(),
  event: 'signed',
  caller: 'web',
  key: `key-${n}`,
  purpose: 'code',
});
const filesIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));

async function written(lines: number, maxBytes?: number): Promise<string> {
  const folder = freshFolder();
  const log = openSignerLog({ folder, now: clock.now, ...(maxBytes ? { maxBytes } : {}) });
  for (let n = 0; n < lines; n++) await log.append(line(n));
  await log.close();
  return folder;
}

test('a log over several files and several starts is one chain, for its owner alone', async () => {
  const folder = await written(50, 2_000);
  const again = openSignerLog({ folder, now: clock.now, maxBytes: 2_000 });
  await again.append(line(50));
  await again.close();
  const files = filesIn(folder);
  expect(files.length).toBeGreaterThan(3);
  const report = verifySignerLog(files);
  expect(report).toMatchObject({ faults: [], first: 1, events: { opened: 1, continued: files.length - 1, signed: 51 } });
  expect(report.last).toEqual(again.position());
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const { name } of files) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  // Without the first file, archived elsewhere, the rest can still be checked.
  expect(verifySignerLog(files.slice(1))).toMatchObject({ faults: [] });
});

const folder = await written(12);
const whole = readFileSync(join(folder, 'signer-000001.jsonl'), 'utf8').trimEnd().split('\n');
const judge = (lines: readonly string[], end = '\n') =>
  verifySignerLog([{ name: 'x', bytes: Buffer.from(lines.join('\n') + end) }]).faults.map(({ line: at, fault }) => `${at} ${fault}`);

test.each<[string, (lines: string[]) => string[], string[]]>([
  ['untouched', (lines) => lines, []],
  ['changed', (lines) => lines.with(4, lines[4]?.replace('key-3', 'key-9') ?? ''), ['6 changed-or-missing-before']],
  ['changed by a blank', (lines) => lines.with(4, `${lines[4]} `), ['6 changed-or-missing-before']],
  ['removed', (lines) => lines.toSpliced(4, 1), ['5 number-missing', '5 changed-or-missing-before']],
  ['the first removed', (lines) => lines.slice(1), []],
  [
    'exchanged',
    (lines) => lines.with(4, lines[5] ?? '').with(5, lines[4] ?? ''),
    [
      '5 number-missing',
      '5 changed-or-missing-before',
      '6 number-again',
      '6 changed-or-missing-before',
      '7 number-missing',
      '7 changed-or-missing-before',
    ],
  ],
  ['doubled', (lines) => lines.toSpliced(5, 0, lines[4] ?? ''), ['6 number-again', '6 changed-or-missing-before']],
  ['replaced by nonsense', (lines) => lines.with(4, 'nonsense'), ['5 unreadable', '6 changed-or-missing-before']],
])('a line %s is found where it is', (_what, change, faults) => {
  expect(judge(change([...whole]))).toEqual(faults);
});

test('a line cut in the middle is found', () => {
  expect(judge(whole.with(-1, whole.at(-1)?.slice(0, 30) ?? ''), '')).toEqual(['13 cut-line']);
});

test('any single changed octet before the last line is found', () => {
  const random = seededRandom(7);
  const bytes = Buffer.from(`${whole.join('\n')}\n`);
  const lastLine = bytes.lastIndexOf(0x0a, bytes.length - 2);
  for (let run = 0; run < 300; run++) {
    const changed = Buffer.from(bytes);
    const at = Math.floor(random() * lastLine);
    changed[at] = (changed[at] ?? 0) ^ (1 + Math.floor(random() * 255));
    expect(verifySignerLog([{ name: 'x', bytes: changed }]).faults.length, `octet ${at}`).toBeGreaterThan(0);
  }
});

test('a signed head kept elsewhere shows a tail that was cut off and a log that was written anew', async () => {
  const keys = memoryKeyStore();
  const own = freshFolder();
  const log = openSignerLog({ folder: own, now: clock.now });
  for (let n = 0; n < 5; n++) await log.append(line(n));
  const jws = await signLogHead(keys, log.position(), clock.now());
  await log.append(line(6));
  await log.close();
  const spki = (await keys.find('signer-log-p256'))?.spki ?? new Uint8Array();
  const head = verifyLogHead(jws, spki);
  if ('fault' in head) throw new Error(head.fault);
  const files = filesIn(own);
  expect(verifySignerLog(files, [head])).toMatchObject({ faults: [], headsConfirmed: 1 });
  const text = files[0]?.bytes.toString('utf8').trimEnd().split('\n') ?? [];
  const cut = [{ name: 'x', bytes: Buffer.from(`${text.slice(0, 4).join('\n')}\n`) }];
  expect(verifySignerLog(cut)).toMatchObject({ faults: [] });
  expect(verifySignerLog(cut, [head]).faults).toEqual([{ file: 'x', line: 4, fault: 'missing-at-end' }]);
  const anew = await written(9);
  expect(verifySignerLog(filesIn(anew), [head]).faults.map(({ fault }) => fault)).toEqual(['not-that-of-head']);
  expect(
    verifyLogHead(
      jws.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')),
      spki,
    ),
  ).toHaveProperty('fault');
  const stranger = memoryKeyStore();
  const forged = await signLogHead(stranger, { n: 2, hash: '0'.repeat(64) }, clock.now());
  expect(verifyLogHead(forged, spki)).toEqual({ fault: 'the head was not signed by this key' });
});

test('a line that a crash left unfinished is taken back, and the log says so', async () => {
  const own = await written(3);
  appendFileSync(join(own, 'signer-000001.jsonl'), '{"n":5,"at":"2026');
  const log = openSignerLog({ folder: own, now: clock.now });
  await log.append(line(9));
  await log.close();
  expect(verifySignerLog(filesIn(own))).toMatchObject({ faults: [], events: { recovered: 1 } });
});

test('a log whose end somebody overwrote stops the start', async () => {
  const own = await written(3);
  writeFileSync(join(own, 'signer-000001.jsonl'), 'hello\n');
  expect(() => openSignerLog({ folder: own, now: clock.now })).toThrow(/does not end in a line of its own/);
});

test('a start between making a new file and writing to it goes on with the chain', async () => {
  const own = await written(3);
  writeFileSync(join(own, 'signer-000002.jsonl'), '');
  const log = openSignerLog({ folder: own, now: clock.now });
  await log.append(line(9));
  await log.close();
  expect(verifySignerLog(filesIn(own))).toMatchObject({ faults: [], lines: 5 });
});

function fullDisk(own: string): { log: SignerLog; fill: (full: 'no' | 'at-once' | 'in-the-middle') => void } {
  let full: 'no' | 'at-once' | 'in-the-middle' = 'no';
  const { writeSync } = process.getBuiltinModule('node:fs');
  const log = openSignerLog({
    folder: own,
    now: clock.now,
    write(descriptor, text) {
      if (full === 'no') return writeSync(descriptor, text);
      if (full === 'in-the-middle') return writeSync(descriptor, text.slice(0, 20));
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    },
  });
  return {
    log,
    fill: (to) => {
      full = to;
    },
  };
}

test.each(['at-once', 'in-the-middle'] as const)(
  'a disk that is full %s stops every signature, and signing goes on when there is room',
  async (how) => {
    const own = freshFolder();
    const { log, fill } = fullDisk(own);
    const inner = memoryKeyStore();
    const store = guardedKeyStore(inner, { clock, log: (each) => log.append(each) });
    await store.create('receipt-p256', 'es256', ['receipt']);
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const header = { alg: 'ES256', kid: 'receipt-p256', typ: 'tongren-receipt+jwt' };
    const receipt = Buffer.from(
      `${part(header)}.${part({ iss: 'https://x', jti: '1', iat: clock.now().getTime() / 1000, verdict: 'valid' })}`,
    );
    await store.sign('receipt-p256', 'receipt', receipt);
    fill(how);
    await expect(store.sign('receipt-p256', 'receipt', receipt)).rejects.toMatchObject({ code: 'signer-log-unavailable' });
    await expect(store.create('other-p256', 'es256', ['receipt'])).rejects.toMatchObject({ code: 'signer-log-unavailable' });
    expect(await inner.find('other-p256')).toBeUndefined();
    fill('no');
    await store.sign('receipt-p256', 'receipt', receipt);
    await log.close();
    expect(verifySignerLog(filesIn(own))).toMatchObject({ faults: [], events: { signed: 2, 'key-created': 1 } });
  },
);

test('heads are signed when the log has grown, and once more at the end', async () => {
  const own = freshFolder();
  const log = openSignerLog({ folder: own, now: clock.now });
  const keys = memoryKeyStore();
  const told: string[] = [];
  const heads = await keepLogHeads({ keys, log, clock }, { folder: own, tell: (head) => told.push(head) });
  await log.append(line(1));
  await heads.close();
  const spki = (await keys.find('signer-log-p256'))?.spki ?? new Uint8Array();
  expect(told.map((head) => verifyLogHead(head, spki))).toMatchObject([{ n: 2 }, { n: 3 }]);
  expect(readFileSync(join(own, 'head.jws'), 'utf8').trim()).toBe(told.at(-1));
  const { head } = await heads.newest();
  await log.close();
  truncateSync(join(own, 'signer-000001.jsonl'), readFileSync(join(own, 'signer-000001.jsonl')).indexOf(0x0a) + 1);
  const read = verifyLogHead(head, spki);
  expect(verifySignerLog(filesIn(own), 'fault' in read ? [] : [read]).faults).toMatchObject([{ fault: 'missing-at-end' }]);
});
