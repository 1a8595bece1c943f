/** The keys of the signer's log: how one follows another, who believes it, and what a log that spans several is judged by. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { signJws } from '#codes/jws.ts';
import { parsePem } from '#pki/pem.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { decideHeadKey } from '#signer/follow-log-key.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { keepLogHeads, type LogHeadAnswer, type LogHeads } from '#signer/keep-log-heads.ts';
import { signLogHead, verifyLogHead } from '#signer/log-head.ts';
import { fingerprintOf, followLinks, LOG_LINK_TYPE, logKeyName, signLink } from '#signer/log-key-chain.ts';
import { readHead, readHeadKeys } from '#signer/read-head-keys.ts';
import { openSignerLog, type SignerLog } from '#signer/signer-log.ts';
import { verifySignerLog } from '#signer/verify-signer-log.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';

const base = mkdtempSync(join(tmpdir(), 'tongren-log-keys-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const DAY_MS = 86_400_000;
const QUARTER_HOUR_MS = 15 * 60_000;
let number = 0;
let folder: string;
let keys: KeyStore;
let clock: ReturnType<typeof testClock>;
let log: SignerLog;
let heads: LogHeads;
let told: string[];

async function open(more: { store?: KeyStore; in?: string; linksFolder?: string } = {}) {
  const own = more.in ?? folder;
  const opened = openSignerLog({ folder: own, now: clock.now });
  const said: string[] = [];
  const kept = await keepLogHeads(
    { keys: more.store ?? keys, log: opened, clock },
    { folder: own, tell: (head) => said.push(head), ...(more.linksFolder ? { linksFolder: more.linksFolder } : {}) },
  );
  return { log: opened, heads: kept, told: said };
}
async function close(which = { log, heads }) {
  await which.heads.close();
  await which.log.close();
}

beforeEach(async () => {
  folder = join(base, `log-${number++}`);
  keys = memoryKeyStore();
  clock = testClock('2026-06-01T08:00:00.000Z');
  ({ log, heads, told } = await open());
});

const rotate = (compromised = false) => heads.rotate({ compromised, caller: 'operator' });
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'base64'));
const answerOf = ({ head, spki, first, links }: LogHeadAnswer) => ({ head, spki: bytes(spki), first: bytes(first), links });
const newest = async () => answerOf(await heads.newest());
const events = () =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    .map((text) => JSON.parse(text) as { n: number; event: string; key?: string; reason?: string; caller?: string });
const filesIn = (own = folder) =>
  readdirSync(own)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => ({ name, bytes: readFileSync(join(own, name)) }));
const linksOf = (own = folder) => readFileSync(join(own, 'head-keys.jws'), 'utf8').split('\n').filter(Boolean);
const spkiOf = async (generation: number) => (await keys.find(logKeyName(generation)))?.spki ?? new Uint8Array();
const use = (n: number) => log.append({ at: clock.now().toISOString(), event: 'signed', key: `key-${n}`, purpose: 'code' });

describe('a change', () => {
  test('the last head of the old key and the first of the new one state the same line, which says that the key changes', async () => {
    await use(1);
    const change = await rotate();
    expect(change).toMatchObject({ before: 'signer-log-p256', after: 'signer-log-p256-2', endorsed: true, already: false });
    const [old = '', own = ''] = told.slice(-2);
    expect(verifyLogHead(old, await spkiOf(1))).toMatchObject({ n: change.line, key: 'signer-log-p256' });
    expect(verifyLogHead(own, await spkiOf(2))).toMatchObject({ n: change.line, key: 'signer-log-p256-2' });
    expect(events().find(({ n }) => n === change.line)).toMatchObject({
      ...{ event: 'log-key-rotated', key: 'signer-log-p256-2', caller: 'operator' },
      ...{ publicKey: fingerprintOf(await spkiOf(2)), formerKey: fingerprintOf(await spkiOf(1)) },
    });
    const pem = readFileSync(join(folder, 'head-key.pem'), 'utf8');
    expect(parsePem(pem, 'PUBLIC KEY')).toEqual([await spkiOf(1), await spkiOf(2)]);
    expect((await newest()).spki).toEqual(await spkiOf(2));
    await close();
  });

  test('asked again while it is fresh, nothing more happens; later the third key follows the second', async () => {
    const change = await rotate();
    expect(await rotate()).toEqual({ ...change, already: true });
    clock.advance(QUARTER_HOUR_MS);
    expect(await rotate()).toMatchObject({ before: 'signer-log-p256-2', after: 'signer-log-p256-3', already: false });
    expect(events().filter(({ event }) => event === 'log-key-rotated')).toHaveLength(2);
    await close();
  });

  test('two that ask at once get one change', async () => {
    const changes = await Promise.all([rotate(), rotate(), rotate()]);
    expect(changes.map(({ after }) => after)).toEqual(Array(3).fill('signer-log-p256-2'));
    expect(changes.filter(({ already }) => !already)).toHaveLength(1);
    await close();
  });

  test('after a restart the new key goes on; the private half of the old one is destroyed a day later', async () => {
    await rotate();
    await close();
    clock.advance(DAY_MS - 1_000);
    ({ log, heads, told } = await open());
    expect((await newest()).spki).toEqual(await spkiOf(2));
    expect((await keys.find('signer-log-p256'))?.retired).toBeUndefined();
    await close();
    clock.advance(1_000);
    ({ log, heads, told } = await open());
    expect((await keys.find('signer-log-p256'))?.retired).toBe(true);
    expect(events().map(({ event }) => event)).toEqual(expect.arrayContaining(['key-retiring', 'key-retired']));
    expect((await keys.find('signer-log-p256-2'))?.retired).toBeUndefined();
    await close();
  });

  test('in wrong hands, the old key vouches for nothing and is destroyed at once, also just after an ordinary change', async () => {
    await rotate();
    const change = await rotate(true);
    expect(change).toMatchObject({ before: 'signer-log-p256-2', after: 'signer-log-p256-3', endorsed: false, already: false });
    expect(await rotate(true)).toEqual({ ...change, already: true });
    for (const generation of [1, 2]) expect((await keys.find(logKeyName(generation)))?.retired).toBe(true);
    const [, link] = linksOf();
    expect(JSON.parse(Buffer.from(link?.split('.')[0] ?? '', 'base64url').toString())).toMatchObject({ kid: 'signer-log-p256-3' });
    // No head of the key in wrong hands is told for the line of the change.
    expect(told.map((head) => (JSON.parse(Buffer.from(head.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid)).toEqual([
      ...['signer-log-p256', 'signer-log-p256', 'signer-log-p256-2', 'signer-log-p256-3'],
    ]);
    await close();
  });
});

/** A store that fails at one step, once, as soon as it is armed. */
function failing(at: (act: 'create' | 'sign' | 'retire', name: string, purpose: string) => boolean): KeyStore & { arm(): void } {
  let left = 0;
  const fail = (act: 'create' | 'sign' | 'retire', name: string, text = '') => {
    if (left > 0 && at(act, name, text)) {
      left--;
      throw new Error('cut off');
    }
  };
  return {
    ...keys,
    arm() {
      left = 1;
    },
    async create(name, suite, purposes) {
      fail('create', name);
      return keys.create(name, suite, purposes);
    },
    async sign(name, purpose, structure) {
      fail('sign', name, Buffer.from(structure).toString('latin1'));
      return keys.sign(name, purpose, structure);
    },
    async retire(name, successor) {
      fail('retire', name);
      return keys.retire(name, successor);
    },
  };
}
const isLink = (structure: string) =>
  Buffer.from(structure.split('.')[0] ?? '', 'base64url')
    .toString()
    .includes(LOG_LINK_TYPE);

describe('cut off', () => {
  test.each<[string, boolean, Parameters<typeof failing>[0]]>([
    ['before the key is made', false, (act) => act === 'create'],
    ['between key and link', false, (act, _name, text) => act === 'sign' && isLink(text)],
    ['between key and link of a compromise', true, (act, _name, text) => act === 'sign' && isLink(text)],
    [
      'between link and the last head of the old key',
      false,
      (act, name, text) => act === 'sign' && name === 'signer-log-p256' && !isLink(text),
    ],
    ['between link and the first head of the new key', false, (act, name, text) => act === 'sign' && name.endsWith('-2') && !isLink(text)],
    ['before the key in wrong hands is destroyed', true, (act) => act === 'retire'],
  ])('%s: heads go on, and asking again after a restart brings it to its end', async (_what, compromised, at) => {
    await close();
    const store = failing(at);
    ({ log, heads, told } = await open({ store }));
    store.arm();
    await expect(rotate(compromised)).rejects.toThrow('cut off');
    // The process is killed: nothing is closed in order, and nothing of it writes any more.
    log.append = () => Promise.reject(new Error('killed'));
    ({ log, heads, told } = await open());
    await use(1);
    await newest();
    const change = await rotate(compromised);
    expect(change).toMatchObject({ before: 'signer-log-p256', after: 'signer-log-p256-2', endorsed: !compromised });
    await use(2);
    const answer = await newest();
    expect(answer.spki).toEqual(await spkiOf(2));
    expect((await keys.find('signer-log-p256'))?.retired).toBe(compromised ? true : undefined);
    await close();
    const trusted = compromised ? [await spkiOf(1), await spkiOf(2)] : [await spkiOf(1)];
    const judged = readHeadKeys(trusted, linksOf());
    const kept = [...told, readFileSync(join(folder, 'head.jws'), 'utf8')].map((head) => readHead(head, judged));
    const usable = kept.filter((head) => !('fault' in head));
    expect(usable).toHaveLength(kept.length);
    expect(verifySignerLog(filesIn(), usable as never, judged)).toMatchObject({ faults: [], keysConfirmed: 1 });
  });

  test('a link that was written in part spoils nothing', async () => {
    appendFileSync(join(folder, 'head-keys.jws'), 'eyJhbGciOiJFUzI1NiIsImtpZCI6InNpZ25');
    await rotate();
    expect((await newest()).spki).toEqual(await spkiOf(2));
    await close();
    ({ log, heads, told } = await open());
    expect((await newest()).spki).toEqual(await spkiOf(2));
    await close();
  });

  test('links that were lost after the old key was destroyed: heads go on by a key that nobody vouches for', async () => {
    await rotate();
    const before = await newest();
    clock.advance(2 * DAY_MS);
    await close();
    ({ log, heads, told } = await open());
    await close();
    expect((await keys.find('signer-log-p256'))?.retired).toBe(true);
    rmSync(join(folder, 'head-keys.jws'));
    ({ log, heads, told } = await open());
    const after = await newest();
    expect(decideHeadKey([before.first], after)).toMatchObject({ kind: 'refused', why: 'unendorsed' });
    // Who had followed already knows the key.
    expect(decideHeadKey([before.first, before.spki], after)).toMatchObject({ kind: 'same' });
    await close();
  });
});

describe('who believes a key', () => {
  test('the first seen; then its successors, several at once too', async () => {
    const before = await newest();
    expect(decideHeadKey([], before)).toMatchObject({ kind: 'first' });
    await rotate();
    clock.advance(QUARTER_HOUR_MS);
    await rotate();
    const after = await newest();
    expect(decideHeadKey([before.spki], before)).toMatchObject({ kind: 'same' });
    expect(decideHeadKey([before.spki], after)).toMatchObject({ kind: 'moved', from: 0, keys: [{}, {}, { name: 'signer-log-p256-3' }] });
    await close();
  });

  test('not an older one again, not one after a compromise, not a stranger’s', async () => {
    const first = await newest();
    await rotate();
    const second = await newest();
    const rolledBack = { ...first, links: second.links };
    expect(decideHeadKey([first.spki, second.spki], first)).toMatchObject({ kind: 'refused', why: 'older' });
    expect(decideHeadKey([first.spki, second.spki], rolledBack)).toMatchObject({ kind: 'refused', why: 'older' });
    // Known to the pin or not: what is older than it is not in the way to it.
    expect(decideHeadKey([second.spki], first)).toMatchObject({ kind: 'refused', why: 'unknown' });
    clock.advance(QUARTER_HOUR_MS);
    await rotate(true);
    const third = await newest();
    expect(decideHeadKey([first.spki], third)).toMatchObject({ kind: 'refused', why: 'unendorsed' });
    expect(decideHeadKey([first.spki, second.spki], third)).toMatchObject({ kind: 'refused', why: 'unendorsed' });
    expect(decideHeadKey([first.spki, second.spki, third.spki], third)).toMatchObject({ kind: 'same' });
    const stranger = await open({ store: memoryKeyStore(), in: join(base, `stranger-${number}`) });
    const other = answerOf(await stranger.heads.newest());
    expect(decideHeadKey([first.spki], other)).toMatchObject({ kind: 'refused', why: 'unknown' });
    expect(decideHeadKey([first.spki], { ...other, first: first.spki })).toMatchObject({ kind: 'refused', why: 'bad-chain' });
    await close(stranger);
    await close();
  });

  test('a successor for which a stranger, another generation, or a changed link speaks is refused', async () => {
    const first = await newest();
    const own = { name: 'signer-log-p256', spki: first.first };
    const evil = memoryKeyStore();
    const mine = await evil.create('signer-log-p256-2', 'es256', ['signer-log']);
    await evil.create('signer-log-p256', 'es256', ['signer-log']);
    const about = { key: mine, previous: 'signer-log-p256', n: 2, hash: 'a'.repeat(64), endorsed: true };
    const forged = await signLink(evil, about, clock.now());
    expect(followLinks(own, [forged])).toMatchObject({ keys: [own], faults: ['1: the link was signed by neither of its keys'] });
    const broken = await signLink(evil, { ...about, endorsed: false }, clock.now());
    const head = await signLogHead(evil, { n: 2, hash: 'a'.repeat(64) }, clock.now(), 'signer-log-p256-2');
    const claim = (link: string) => decideHeadKey([first.spki], { head, spki: mine.spki, first: first.first, links: [link] });
    expect(claim(forged)).toMatchObject({ kind: 'refused', why: 'bad-chain' });
    expect(claim(broken)).toMatchObject({ kind: 'refused', why: 'unendorsed' });
    await rotate();
    const [genuine = ''] = linksOf();
    expect(followLinks(own, [genuine]).keys).toHaveLength(2);
    const [header, payload, signature] = genuine.split('.') as [string, string, string];
    const stated = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const change of [{ spki: Buffer.from(mine.spki).toString('base64') }, { n: 9_999 }, { hash: 'b'.repeat(64) }, { iat: 1 }])
      expect(followLinks(own, [`${header}.${encode({ ...stated, ...change })}.${signature}`]).keys).toHaveLength(1);
    // Signed by the right key, but no link, or one that leads back or elsewhere.
    const say = (type: string, said: object) =>
      signJws(keys, { name: 'signer-log-p256', suite: 'es256', purpose: 'signer-log' }, type, said);
    for (const link of [
      await say('tongren-signer-log+jwt', stated),
      await say(LOG_LINK_TYPE, { ...stated, key: 'signer-log-p256' }),
      await say(LOG_LINK_TYPE, { ...stated, key: 'code-p256-1' }),
      await say(LOG_LINK_TYPE, { ...stated, previous: 'signer-log-p256-7' }),
      await say(LOG_LINK_TYPE, { ...stated, log: 'x' }),
      genuine.slice(0, -4),
      'nonsense',
      '',
      `${header}.${'A'.repeat(9_000)}.${signature}`,
    ])
      expect(followLinks(own, [link]).keys, link.slice(0, 60)).toHaveLength(1);
    await close();
  });
});

describe('a log that spans keys', () => {
  /** Five uses by each of three keys; heads of all. */
  async function spanning() {
    for (let n = 0; n < 5; n++) await use(n);
    const one = (await newest()).head;
    await rotate();
    for (let n = 0; n < 5; n++) await use(n);
    const two = (await newest()).head;
    clock.advance(QUARTER_HOUR_MS);
    await rotate();
    for (let n = 0; n < 5; n++) await use(n);
    const three = (await newest()).head;
    return [one, two, three, ...told];
  }
  const judge = (kept: readonly string[], judged: ReturnType<typeof readHeadKeys>, files = filesIn()) => {
    const read = kept.map((head) => readHead(head, judged));
    const fault = read.find((head) => 'fault' in head);
    return fault ?? verifySignerLog(files, read.filter((head) => !('fault' in head)) as never, judged);
  };

  test('is whole by heads of every key, known by the first key and the links, or by all keys', async () => {
    const kept = await spanning();
    await close();
    const all = [await spkiOf(1), await spkiOf(2), await spkiOf(3)];
    expect(judge(kept, readHeadKeys(all.slice(0, 1), linksOf()))).toMatchObject({
      faults: [],
      headsConfirmed: kept.length,
      keysConfirmed: 2,
    });
    expect(judge(kept, readHeadKeys(all, linksOf()))).toMatchObject({ faults: [], keysConfirmed: 2 });
    expect(judge(kept, readHeadKeys(all, []))).toMatchObject({ faults: [], headsConfirmed: kept.length });
    // The links stand for themselves, without any head.
    expect(judge([], readHeadKeys(all.slice(0, 1), linksOf()))).toMatchObject({ faults: [], keysConfirmed: 2 });
    // Without links the first key knows nothing of the others.
    expect(judge(kept, readHeadKeys(all.slice(0, 1), []))).toEqual({ fault: 'the head was not signed by this key' });
    expect(judge(kept, readHeadKeys(all.slice(0, 1), linksOf().slice(1)))).toHaveProperty('fault');
  });

  test('a head by a key that was succeeded before that line does not count, whoever has that key', async () => {
    await spanning();
    const late = await signLogHead(keys, log.position(), clock.now(), 'signer-log-p256');
    await close();
    const judged = readHeadKeys([await spkiOf(1)], linksOf());
    expect(judge([late], judged)).toMatchObject({ headsConfirmed: 0, faults: [{ fault: 'head-of-former-key' }] });
    // A log written anew from before the change, by who has the old key.
    const anew = join(base, `anew-${number}`);
    const other = openSignerLog({ folder: anew, now: clock.now });
    for (let n = 0; n < 40; n++) await other.append({ at: clock.now().toISOString(), event: 'signed', key: 'x', purpose: 'code' });
    const forged = await signLogHead(keys, other.position(), clock.now(), 'signer-log-p256');
    await other.close();
    const [whole = { name: '', bytes: Buffer.alloc(0) }] = filesIn(anew);
    const lines = whole.bytes.toString('utf8').split('\n');
    // Archived without its beginning, so that it does not betray itself by another name.
    const tail = [{ name: 'x', bytes: Buffer.from(lines.slice(1).join('\n')) }];
    expect((judge([forged], judged, tail) as { faults: { fault: string }[] }).faults.map(({ fault }) => fault)).toEqual(
      expect.arrayContaining(['not-that-of-key', 'head-of-former-key']),
    );
  });

  test('cut off before the line of a change it is too short', async () => {
    await spanning();
    await close();
    const text = filesIn()[0]?.bytes.toString('utf8').trimEnd().split('\n') ?? [];
    const cut = [{ name: 'x', bytes: Buffer.from(`${text.slice(0, 5).join('\n')}\n`) }];
    const judged = readHeadKeys([await spkiOf(1)], linksOf());
    expect(verifySignerLog(cut, [], judged).faults.map(({ fault }) => fault)).toContain('missing-at-end');
  });

  test('after a compromise the new key must be trusted by itself; then heads of the old one count up to the change', async () => {
    await use(1);
    const early = (await newest()).head;
    const stolen = signLogHead(keys, { n: 900, hash: 'c'.repeat(64) }, clock.now(), 'signer-log-p256');
    const late = await stolen;
    await rotate(true);
    await use(2);
    const now = (await newest()).head;
    await close();
    expect(judge([early, now], readHeadKeys([await spkiOf(1)], linksOf()))).toHaveProperty('fault');
    const both = readHeadKeys([await spkiOf(1), await spkiOf(2)], linksOf());
    expect(judge([early, now], both)).toMatchObject({ faults: [], headsConfirmed: 2, keysConfirmed: 1 });
    expect((judge([late], both) as { faults: { fault: string }[] }).faults.map(({ fault }) => fault)).toContain('head-of-former-key');
    const alone = readHeadKeys([await spkiOf(2)], linksOf());
    expect(judge([now], alone)).toMatchObject({ faults: [], keysConfirmed: 1 });
    expect(judge([early], alone)).toHaveProperty('fault');
  });
});

describe('two processes of one store', () => {
  test('the other follows without a restart, and each log is whole by itself', async () => {
    const second = join(base, `second-${number}`);
    const other = await open({ in: second, linksFolder: folder });
    const before = answerOf(await other.heads.newest());
    await rotate();
    const after = answerOf(await other.heads.newest());
    expect(decideHeadKey([before.spki], after)).toMatchObject({ kind: 'moved' });
    await close(other);
    await close();
    for (const [place, kept] of [
      [second, [before.head, after.head, ...other.told]],
      [folder, told],
    ] as const) {
      const judged = readHeadKeys([await spkiOf(1)], linksOf(place));
      const read = kept.map((head) => readHead(head, judged));
      expect(verifySignerLog(filesIn(place), read as never, judged)).toMatchObject({ faults: [] });
    }
  });

  test('a compromise in one is a compromise in the other', async () => {
    const second = join(base, `second-${number}`);
    const other = await open({ in: second, linksFolder: folder });
    const before = answerOf(await other.heads.newest());
    await rotate(true);
    const after = answerOf(await other.heads.newest());
    expect(after.spki).toEqual(await spkiOf(2));
    expect(decideHeadKey([before.spki], after)).toMatchObject({ kind: 'refused', why: 'unendorsed' });
    await close(other);
    await close();
  });
});

test('only a caller whom the policy lets changes the key, and a refusal is on record', async () => {
  const store = guardedKeyStore(keys, { clock, log: (line) => log.append(line), rotateLogKey: heads.rotate });
  for (const caller of ['web', 'worker', 'stranger', 'constructor']) {
    await expect(store.as(caller).rotateLogKey({ compromised: true })).rejects.toMatchObject({ code: 'signing-refused' });
    await expect(store.as(caller).create('signer-log-p256-2', 'es256', ['signer-log'])).rejects.toMatchObject({ code: 'signing-refused' });
    await expect(store.as(caller).retire('signer-log-p256', 'x')).rejects.toMatchObject({ code: 'signing-refused' });
  }
  expect(events().filter(({ event }) => event === 'refused')).toHaveLength(12);
  await expect(store.as('operator').sign('signer-log-p256', 'signer-log', Buffer.from('x'))).rejects.toMatchObject({
    code: 'signing-refused',
  });
  expect(await store.as('operator').rotateLogKey({ compromised: false })).toMatchObject({ after: 'signer-log-p256-2' });
  expect(events().find(({ event }) => event === 'log-key-rotated')).toMatchObject({ caller: 'operator' });
  await expect(guardedKeyStore(keys, { clock }).rotateLogKey({ compromised: false })).rejects.toMatchObject({ code: 'not-found' });
  await close();
});

test('a link file that somebody replaced by that of a stranger leads to no other key', async () => {
  const stranger = join(base, `stranger-${number}`);
  const other = await open({ store: memoryKeyStore(), in: stranger });
  await other.heads.rotate({ compromised: false, caller: 'operator' });
  await close(other);
  writeFileSync(join(folder, 'head-keys.jws'), readFileSync(join(stranger, 'head-keys.jws')));
  expect((await newest()).spki).toEqual(await spkiOf(1));
  await rotate();
  expect((await newest()).spki).toEqual(await spkiOf(2));
  await close();
});
