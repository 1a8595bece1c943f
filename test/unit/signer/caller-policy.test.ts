import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { encodeSignedAttributes } from '#crypto/cms.ts';
import { KEY_PURPOSES, type KeyPurpose } from '#ports/key-store.ts';
import { DEFAULT_POLICY, decideCaller, parsePolicy, refusalTo } from '#signer/caller-policy.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import type { SignerLogLine } from '#signer/log-line.ts';
import { openPolicyFile, type PolicyNews } from '#signer/policy-file.ts';
import { memoryKeyStore } from '../../fakes/memory-key-store.ts';
import { testClock } from '../../fakes/test-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-policy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const POLICY = {
  version: 1,
  callers: {
    web: {
      certificates: ['web.tongren.internal', 'spiffe://city/web'],
      rules: [
        { keys: ['code-*'], purposes: ['code'], perMinute: 60 },
        { keys: ['seal-*-p256'], purposes: ['cms-attributes'], create: true, perMinute: 3 },
      ],
    },
    worker: { rules: [{ keys: ['audit-p256'], purposes: ['audit-checkpoint'], create: true }] },
  },
};
const policy = parsePolicy(JSON.stringify(POLICY));

test.each<[string, string, string, KeyPurpose, boolean]>([
  ['a key of its pattern for its purpose', 'web', 'code-p256-7', 'code', true],
  ['a key of its pattern for another purpose', 'web', 'code-p256-7', 'receipt', false],
  ['a key between two parts of a pattern', 'web', 'seal-11010000000001-p256', 'cms-attributes', true],
  ['a key that only begins like a pattern', 'web', 'seal-11010000000001-sm2', 'cms-attributes', false],
  ['the pattern’s ends overlapping', 'web', 'seal-p256', 'cms-attributes', false],
  ['the key of another caller', 'web', 'audit-p256', 'audit-checkpoint', false],
  ['the key of its own', 'worker', 'audit-p256', 'audit-checkpoint', true],
  ['a key longer than a plain name', 'worker', 'audit-p256-2', 'audit-checkpoint', false],
  ['anything, as a stranger', 'cron', 'code-p256-7', 'code', false],
  ['anything, under the name of what every object has', 'constructor', 'code-p256-7', 'code', false],
])('asking for %s is decided by the first rule that fits', (_what, caller, key, purpose, allowed) => {
  expect('rule' in decideCaller(policy, caller, key, purpose)).toBe(allowed);
});

test('a caller makes only keys that a rule with create names, with purposes of such rules', () => {
  expect(refusalTo('create', policy, { caller: 'web', keyName: 'seal-1-p256', purposes: ['cms-attributes'] })).toBeUndefined();
  expect(refusalTo('create', policy, { caller: 'web', keyName: 'code-p256-7', purposes: ['code'] })).toMatch(/does not let/);
  expect(refusalTo('create', policy, { caller: 'web', keyName: 'seal-1-p256', purposes: ['cms-attributes', 'code'] })).toMatch(
    /does not let/,
  );
  expect(refusalTo('create', policy, { caller: 'cron', keyName: 'seal-1-p256', purposes: ['cms-attributes'] })).toMatch(/does not know/);
});

test('the built-in policy keeps audit checkpoints from the web, codes and receipts from the worker, and the log’s head from all', () => {
  const may = (caller: string, key: string, purpose: KeyPurpose) => 'rule' in decideCaller(DEFAULT_POLICY, caller, key, purpose);
  expect(may('web', 'audit-p256', 'audit-checkpoint')).toBe(false);
  expect(refusalTo('create', DEFAULT_POLICY, { caller: 'web', keyName: 'audit-p256', purposes: ['audit-checkpoint'] })).toBeUndefined();
  expect(may('worker', 'audit-p256', 'audit-checkpoint')).toBe(true);
  expect(may('worker', 'code-p256-1', 'code')).toBe(false);
  expect(may('worker', 'receipt-p256', 'receipt')).toBe(false);
  expect(may('web', 'code-p256-1', 'code')).toBe(true);
  for (const caller of Object.keys(DEFAULT_POLICY.callers)) expect(may(caller, 'signer-log-p256', 'signer-log')).toBe(false);
  for (const purpose of KEY_PURPOSES.filter((each) => each !== 'signer-log')) expect(may('service', 'any-key', purpose)).toBe(true);
});

test.each<[string, unknown, RegExp]>([
  ['no JSON', 'hello', /not JSON/],
  ['another version', { ...POLICY, version: 2 }, /version/],
  ['an unknown member', { ...POLICY, default: 'allow' }, /default/],
  ['a misspelt rule', { version: 1, callers: { web: { rules: [{ keys: ['*'], purpose: ['code'] }] } } }, /callers\.web\.rules\.0/],
  ['an unknown purpose', { version: 1, callers: { web: { rules: [{ keys: ['*'], purposes: ['everything'] }] } } }, /purposes/],
  ['the purpose of the log', { version: 1, callers: { web: { rules: [{ keys: ['*'], purposes: ['signer-log'] }] } } }, /purposes/],
  ['an odd pattern', { version: 1, callers: { web: { rules: [{ keys: ['../*'], purposes: ['code'] }] } } }, /pattern/],
  ['an odd caller', { version: 1, callers: { 'Web 1': { rules: [] } } }, /caller/],
  ['one certificate for two', { version: 1, callers: { a: { certificates: ['x'], rules: [] }, x: { rules: [] } } }, /two callers/],
  ['a negative rate', { version: 1, callers: { a: { rules: [{ keys: ['*'], purposes: ['code'], perMinute: -1 }] } } }, /perMinute/],
])('a policy with %s is refused', (_what, value, reason) => {
  expect(() => parsePolicy(typeof value === 'string' ? value : JSON.stringify(value))).toThrow(reason);
});

test('a changed file is taken, a faulty one is refused while the former stays in force, and both are told', () => {
  const path = join(folder, 'policy.json');
  writeFileSync(path, JSON.stringify(POLICY));
  const news: PolicyNews[] = [];
  const file = openPolicyFile(path, { tell: (each) => news.push(each) });
  expect(file.current()).toEqual(policy);
  writeFileSync(path, '{"version":1,"callers":{"web":{"rules":[{}]}}}');
  expect(file.reload()).toBe(false);
  expect(file.current()).toEqual(policy);
  writeFileSync(path, JSON.stringify({ version: 1, callers: {} }));
  expect(file.reload()).toBe(true);
  expect(file.current().callers).toEqual({});
  rmSync(path);
  expect(file.reload()).toBe(false);
  expect(file.current().callers).toEqual({});
  file.close();
  expect(news.map(({ event }) => event)).toEqual(['policy-taken', 'policy-refused', 'policy-taken', 'policy-refused']);
  expect(news[1]).toMatchObject({ reason: expect.stringContaining('callers.web.rules.0') });
  expect(() => openPolicyFile(path)).toThrow(/TONGREN_SIGNER_POLICY/);
});

test('a change is noticed without being told of', async () => {
  const path = join(folder, 'watched.json');
  writeFileSync(path, JSON.stringify(POLICY));
  const taken = new Promise<PolicyNews>((done) => {
    const file = openPolicyFile(path, {
      tell(news) {
        if (news.event !== 'policy-refused') return;
        file.close();
        done(news);
      },
    });
  });
  writeFileSync(path, '{}');
  expect(await taken).toMatchObject({ event: 'policy-refused', reason: expect.stringContaining('version') });
});

test('each caller gets only what its policy gives, at the rate it gives, and every refusal is on record under its name', async () => {
  const clock = testClock('2026-06-01T08:00:00.000Z');
  const lines: SignerLogLine[] = [];
  let current = policy;
  const store = guardedKeyStore(memoryKeyStore(), { clock, policy: () => current, log: (line) => lines.push(line) });
  const [web, worker] = [store.as('web'), store.as('worker')];
  const attributes = encodeSignedAttributes({ messageDigest: new Uint8Array(32) });
  await web.create('seal-1-p256', 'es256', ['cms-attributes']);
  for (let n = 0; n < 3; n++) await web.sign('seal-1-p256', 'cms-attributes', attributes);
  await expect(web.sign('seal-1-p256', 'cms-attributes', attributes)).rejects.toMatchObject({ code: 'signing-too-fast' });
  clock.advance(20_000);
  await web.sign('seal-1-p256', 'cms-attributes', attributes);
  // Not its key: neither seen nor used nor made.
  expect(await worker.find('seal-1-p256')).toBeUndefined();
  await expect(worker.sign('seal-1-p256', 'cms-attributes', attributes)).rejects.toMatchObject({ code: 'signing-refused' });
  await expect(worker.create('seal-2-p256', 'es256', ['cms-attributes'])).rejects.toMatchObject({ code: 'signing-refused' });
  await expect(web.sign('seal-1-p256', 'receipt', attributes)).rejects.toMatchObject({ code: 'signing-refused' });
  await expect(store.as('cron').sign('seal-1-p256', 'cms-attributes', attributes)).rejects.toMatchObject({ code: 'signing-refused' });
  expect(lines.filter(({ event }) => event === 'refused').map(({ caller, key }) => `${caller} ${key}`)).toEqual([
    'worker seal-1-p256',
    'worker seal-2-p256',
    'web seal-1-p256',
    'cron seal-1-p256',
  ]);
  expect(lines.filter(({ event }) => event === 'limited')).toMatchObject([{ caller: 'web', key: 'seal-1-p256' }]);
  // Taken out of the policy, a caller is refused from the next act on.
  current = parsePolicy(JSON.stringify({ version: 1, callers: { worker: POLICY.callers.worker } }));
  clock.advance(60_000);
  await expect(web.sign('seal-1-p256', 'cms-attributes', attributes)).rejects.toMatchObject({ code: 'signing-refused' });
});

test('names and purposes of a caller’s own invention do not reach the log', async () => {
  const lines: SignerLogLine[] = [];
  const store = guardedKeyStore(memoryKeyStore(), { clock: testClock(), log: (line) => lines.push(line) });
  const invented = '张三 110101199001011237' as KeyPurpose;
  await expect(store.sign('张三', invented, new Uint8Array())).rejects.toMatchObject({ code: 'signing-refused' });
  await expect(store.create('110101199001011237 x', 'es256', ['code', 'receipt'])).rejects.toMatchObject({ code: 'signing-refused' });
  expect(lines).toHaveLength(2);
  expect(JSON.stringify(lines)).not.toMatch(/张三|1101011990/);
});
