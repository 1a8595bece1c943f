import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseCodeKeys } from '#codes/code-keys.ts';
import { verifyJws } from '#codes/jws.ts';
import { formatShortNumber, shortNumberOf } from '#codes/short-number.ts';
import { verifyCodeOffline } from '#codes/verify-code-offline.ts';
import { changeStatus } from '#licences/change-status.ts';
import { findLookUps, findLookUpsByStaff, findLookUpsOfOrganisation } from '#licences/find-look-ups.ts';
import { type IssuedLicence, issueLicence } from '#licences/issue-licence.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { type RedeemInput, redeemCode } from '#licences/redeem-code.ts';
import { reportOfflineUse } from '#licences/report-offline-use.ts';
import { showCode } from '#licences/show-code.ts';
import { codeKeysFile, currentStatusList, publishStatusList } from '#licences/status-list.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import { testDatabase } from '#test/test-database.ts';
import { exampleFields, type SampleCity, sampleCity } from './sample-city.ts';

const { db } = await testDatabase();
let city: SampleCity;
let licence: IssuedLicence;
let requests = 0;
const requestId = () => `test-request-${++requests}`;

const issue = (slug = 'residence-permit') =>
  issueLicence(city.deps, {
    type: slug,
    holder: slug === 'business-licence' ? { organisationId: city.company.id } : { personId: city.citizen },
    fields: exampleFields(slug),
    issuerOrganisationId: city.department.id,
    by: { personId: city.issuer },
  });
const show = (withName = false, licenceId = licence.licenceId) => showCode(city.deps, { personId: city.citizen, licenceId, withName });
const redeem = (input: string, more: Partial<RedeemInput> = {}) =>
  redeemCode(city.deps, { input, staff: { personId: city.clerk }, purpose: 'identity-check', requestId: requestId(), ...more });

beforeAll(async () => {
  city = await sampleCity(db);
  licence = await issue();
});

describe('a code that is redeemed', () => {
  test('shows the licence’s fields, its status and a receipt, and stands in the holder’s log', async () => {
    const code = await show();
    const result = await redeem(code.digits);
    expect(result).toMatchObject({
      verdict: 'valid',
      type: 'licence',
      holder: 'shown-by-holder',
      status: 'in-force',
      statusAsOf: '2026-06-01T08:00:00.000Z',
      reasons: [],
      licence: { identifier: licence.identifier, holderName: '张小三', status: 'in-force' },
    });
    expect(result.licence?.fields.length).toBeGreaterThan(2);
    const [entry] = (await findLookUps(city.deps, { personId: city.citizen })).items;
    expect(entry).toMatchObject({
      id: result.lookUpId,
      kind: 'code',
      organisationName: '示范市第一医院',
      purpose: { zh: '核验身份' },
      licenceIdentifier: licence.identifier,
      verdict: 'valid',
      secondUse: false,
    });
  });

  test('works once: for the same counter, for another, by its digits and by its twin', async () => {
    const code = await show();
    expect((await redeem(code.digits)).verdict).toBe('valid');
    expect(await redeem(code.digits)).toMatchObject({ verdict: 'used', usedAt: '2026-06-01T08:00:00.000Z' });
    expect((await redeem(code.digits, { staff: { personId: city.otherClerk } })).verdict).toBe('used');
    expect((await redeem(code.shortNumber ?? '')).verdict).toBe('used');
    expect(JSON.stringify(await redeem(code.digits))).not.toContain('张小三');
  });

  test('by its twin, typed in groups or full width, is the same code', async () => {
    const code = await show();
    const typed = formatShortNumber(code.shortNumber ?? '').replace(/[0-9]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));
    expect((await redeem(typed)).verdict).toBe('valid');
    expect((await redeem(code.digits)).verdict).toBe('used');
    expect((await findLookUps(city.deps, { personId: city.citizen, limit: 1 })).items[0]?.via).toBe('short-number');
  });

  test('by twenty counters at once has one winner', async () => {
    const code = await show();
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        redeem(index % 2 ? code.digits : (code.shortNumber ?? ''), { staff: { personId: index % 3 ? city.clerk : city.otherClerk } }),
      ),
    );
    expect(results.filter(({ verdict }) => verdict === 'valid')).toHaveLength(1);
    expect(results.filter(({ verdict }) => verdict === 'used')).toHaveLength(19);
    expect(results.filter((result) => result.licence !== undefined)).toHaveLength(1);
  });

  test('has one winner also when the short-lived store has forgotten everything', async () => {
    const broken: EphemeralStore = {
      ...city.deps.ephemeral,
      get: async () => {
        throw new Error('connection lost');
      },
      set: async () => {
        throw new Error('connection lost');
      },
    };
    const code = await show();
    const deps = { ...city.deps, ephemeral: broken };
    const results = await Promise.all(
      Array.from({ length: 8 }, () =>
        redeemCode(deps, { input: code.digits, staff: { personId: city.clerk }, purpose: '测试', requestId: requestId() }),
      ),
    );
    expect(results.map(({ verdict }) => verdict).sort()).toEqual([...Array(7).fill('used'), 'valid']);
  });

  test('is shown without a twin, not refused, when the short-lived store does not answer', async () => {
    const ephemeral: EphemeralStore = {
      ...city.deps.ephemeral,
      setIfAbsent: async () => {
        throw new Error('connection lost');
      },
    };
    const code = await showCode({ ...city.deps, ephemeral }, { personId: city.citizen, licenceId: licence.licenceId });
    expect(code.shortNumber).toBeNull();
    expect((await redeem(code.digits)).verdict).toBe('valid');
  });
});

describe('the same request', () => {
  test('sent again gets the same answer and the same receipt, even after the code’s time', async () => {
    const code = await show();
    const id = requestId();
    const first = await redeem(code.digits, { requestId: id });
    city.deps.clock.advance(120_000);
    expect(await redeem(code.digits, { requestId: id })).toEqual(first);
    expect(await redeem(code.shortNumber ?? '', { requestId: id })).toEqual(first);
    expect(first.receipt).toBeDefined();
  });

  test('sent ten times at once is redeemed once and answered ten times alike', async () => {
    const code = await show();
    const id = requestId();
    const results = await Promise.all(Array.from({ length: 10 }, () => redeem(code.digits, { requestId: id })));
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(results[0]?.verdict).toBe('valid');
    expect(await db.lookUp.count({ where: { requestId: id } })).toBe(1);
  });

  test('number for another code is refused', async () => {
    const id = requestId();
    await redeem((await show()).digits, { requestId: id });
    await expect(redeem((await show()).digits, { requestId: id })).rejects.toMatchObject({ code: 'request-id-taken' });
  });

  test('number of another member of staff is another request', async () => {
    const code = await show();
    const id = requestId();
    await redeem(code.digits, { requestId: id });
    expect((await redeem(code.digits, { requestId: id, staff: { personId: city.otherClerk } })).verdict).toBe('used');
  });
});

test('the receipt verifies with the published keys and names no person', async () => {
  const { receipt = '', lookUpId } = await redeem((await show(true)).digits, { purpose: '办理入学登记' });
  const keys = parseCodeKeys(await codeKeysFile(city.deps));
  const verified = verifyJws(receipt, 'tongren-receipt+jwt', (kid) => keys.receiptKeys.get(kid)?.publicKey);
  expect(verified).toMatchObject({
    payload: { jti: lookUpId, licence: licence.identifier, verdict: 'valid', purpose: '办理入学登记', iss: 'https://id.example' },
  });
  const text = JSON.stringify(verified);
  for (const secret of ['张', '350203198505050019']) expect(text).not.toContain(secret);
  const tampered = receipt
    .split('.')
    .map((part, index) => (index === 1 ? part.replace(/.$/, part.endsWith('A') ? 'B' : 'A') : part))
    .join('.');
  expect(verifyJws(tampered, 'tongren-receipt+jwt', (kid) => keys.receiptKeys.get(kid)?.publicKey)).toBe('forged');
});

describe('a code dies after its time', () => {
  test.each([
    ['one millisecond before it expires', 59_999, 'valid'],
    ['the instant it expires', 60_000, 'expired'],
    ['ten minutes later', 600_000, 'expired'],
  ])('%s (%i ms): %s', async (_when, milliseconds, verdict) => {
    city.deps.clock.set('2026-06-01T09:00:00.000Z');
    const [byDigits, byTwin] = [await show(), await show()];
    city.deps.clock.advance(milliseconds);
    expect((await redeem(byDigits.digits)).verdict).toBe(verdict);
    expect((await redeem(byTwin.shortNumber ?? '')).verdict).toBe(verdict);
  });

  test('scanned by a clock half a minute slow is still valid; slower is not yet', async () => {
    city.deps.clock.set('2026-06-01T09:30:00.000Z');
    const [one, two] = [await show(), await show()];
    city.deps.clock.advance(-30_000);
    expect((await redeem(one.digits)).verdict).toBe('valid');
    city.deps.clock.advance(-1);
    expect((await redeem(two.digits)).verdict).toBe('not-yet-valid');
    city.deps.clock.set('2026-06-01T10:00:00.000Z');
  });
});

describe('a licence that is not in force', () => {
  test('cannot be shown, and a code shown before says what it is now', async () => {
    const other = await issue();
    const code = await show(false, other.licenceId);
    await changeStatus(city.deps, { licenceId: other.licenceId, status: 'suspended', reason: '暂扣处理', by: { personId: city.issuer } });
    await expect(show(false, other.licenceId)).rejects.toMatchObject({ code: 'licence-not-in-force' });
    expect(await redeem(code.digits)).toMatchObject({
      verdict: 'licence-not-in-force',
      status: 'suspended',
      reasons: ['status-suspended'],
    });
    expect((await findLookUps(city.deps, { personId: city.citizen, limit: 1 })).items[0]).toMatchObject({
      verdict: 'licence-not-in-force',
      licenceStatus: 'suspended',
    });
  });

  test('is in the published list, so that offline counters learn it as well', async () => {
    const other = await issue();
    const code = await show(false, other.licenceId);
    const keys = parseCodeKeys(JSON.stringify(await codeKeysFile(city.deps)));
    const at = city.deps.clock.now();
    const before = (await currentStatusList(city.deps)).json;
    expect(verifyCodeOffline({ digits: code.digits, keys, statusList: before, at })).toMatchObject({ verdict: 'valid', reasons: [] });
    await changeStatus(city.deps, { licenceId: other.licenceId, status: 'revoked', reason: '发证有误', by: { personId: city.issuer } });
    const after = (await currentStatusList(city.deps)).json;
    expect(verifyCodeOffline({ digits: code.digits, keys, statusList: after, at })).toMatchObject({
      verdict: 'licence-not-in-force',
      status: 'ended',
      statusAsOf: at.toISOString(),
    });
  });
});

describe('redeeming is refused', () => {
  test('without the role, without a purpose, without a request number', async () => {
    const code = await show();
    await expect(redeem(code.digits, { staff: { personId: city.citizen } })).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(redeem(code.digits, { staff: { personId: city.issuer } })).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(redeem(code.digits, { purpose: '看' })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(redeem(code.digits, { requestId: 'short' })).rejects.toMatchObject({ code: 'invalid-input' });
    expect((await redeem(code.digits)).verdict).toBe('valid');
  });

  test.each(['', 'abc', '1'.repeat(20), '12345'])('for "%s": malformed', async (input) => {
    expect(await redeem(input)).toMatchObject({ verdict: 'malformed', holder: 'not-proven' });
  });

  test('for a changed code: never valid, never logged', async () => {
    const { digits } = await show();
    const before = await db.lookUp.count();
    for (let index = 0; index < digits.length; index += 23) {
      const changed = digits.slice(0, index) + ((Number(digits[index]) + 1) % 10) + digits.slice(index + 1);
      expect(['malformed', 'unknown-key', 'forged']).toContain((await redeem(changed)).verdict);
    }
    expect(await db.lookUp.count()).toBe(before);
  });

  test('for guesses at twins, soon altogether', async () => {
    const guess = () => redeem(shortNumberOf(randomBytes(16)), { staff: { personId: city.otherClerk } });
    for (let index = 0; index < 30; index++)
      expect(await guess()).toMatchObject({ verdict: 'expired', reasons: ['short-number-not-known'] });
    await expect(guess()).rejects.toMatchObject({ code: 'too-many-requests' });
  });

  test('showing another’s licence is refused as if it were not there', async () => {
    const stolen = showCode(city.deps, { personId: city.otherCitizen, licenceId: licence.licenceId });
    await expect(stolen).rejects.toMatchObject({ code: 'licence-not-found' });
    await expect(showCode(city.deps, { personId: city.citizen, licenceId: 'nonsense' })).rejects.toMatchObject({
      code: 'licence-not-found',
    });
  });
});

describe('offline uses reported later', () => {
  const report = (digits: string, more: object = {}) =>
    reportOfflineUse(city.deps, {
      digits,
      staff: { personId: city.clerk },
      purpose: '现场检查',
      usedAt: new Date('2026-06-01T10:00:20Z'),
      requestId: requestId(),
      ...more,
    });

  test('enter the holder’s log; the second use of one code is flagged', async () => {
    city.deps.clock.set('2026-06-01T10:00:00.000Z');
    const code = await show(true);
    city.deps.clock.set('2026-06-02T10:00:00.000Z');
    const id = requestId();
    expect(await report(code.digits, { requestId: id })).toMatchObject({ accepted: true, secondUse: false, verdict: 'valid' });
    expect(await report(code.digits, { requestId: id })).toMatchObject({ accepted: true, secondUse: false });
    expect(await report(code.digits, { staff: { personId: city.otherClerk } })).toMatchObject({ accepted: true, secondUse: true });
    const { items } = await findLookUps(city.deps, { personId: city.citizen, limit: 2 });
    expect(items.map(({ kind, secondUse }) => [kind, secondUse])).toEqual([
      ['offline-code', true],
      ['offline-code', false],
    ]);
    expect(items[0]?.claimedAt).toEqual(new Date('2026-06-01T10:00:20Z'));
  });

  test('of a code that was redeemed online are second uses', async () => {
    city.deps.clock.set('2026-06-01T10:00:00.000Z');
    const code = await show();
    expect((await redeem(code.digits)).verdict).toBe('valid');
    expect(await report(code.digits)).toMatchObject({ accepted: true, secondUse: true });
  });

  test('outside the code’s time, from the future or of nonsense are not accepted', async () => {
    city.deps.clock.set('2026-06-01T10:00:00.000Z');
    const code = await show();
    city.deps.clock.set('2026-06-01T12:00:00.000Z');
    expect(await report(code.digits, { usedAt: new Date('2026-06-01T10:01:00Z') })).toMatchObject({ accepted: false, verdict: 'expired' });
    await expect(report(code.digits, { usedAt: new Date('2026-07-01T10:00:00Z') })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(report(code.digits, { usedAt: new Date(Number.NaN) })).rejects.toMatchObject({ code: 'invalid-input' });
    expect(await report('12')).toMatchObject({ accepted: false, verdict: 'malformed' });
  });
});

describe('the log', () => {
  test('turns its pages without losing or repeating an entry', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await findLookUps(city.deps, { personId: city.citizen, limit: 5, cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBe(await db.lookUp.count({ where: { holderId: city.citizen } }));
  });

  test('holds what staff of the issuer read in the file, with the purpose', async () => {
    await readLicenceFile(city.deps, {
      licenceId: licence.licenceId,
      format: 'pdf',
      reader: { as: 'staff', by: { personId: city.issuer }, purpose: '档案核对' },
    });
    const { items } = await findLookUps(city.deps, { personId: city.citizen, limit: 1 });
    expect(items[0]).toMatchObject({ kind: 'file', purpose: { zh: '档案核对' }, organisationName: '示范市市场监督管理局' });
  });

  test('of a counter names no licence; of a company is for its staff', async () => {
    const business = await issue('business-licence');
    const code = await showCode(city.deps, { personId: city.manager, licenceId: business.licenceId });
    expect((await redeem(code.digits)).verdict).toBe('valid');
    const own = await findLookUpsByStaff(city.deps, { by: { personId: city.clerk }, limit: 3 });
    expect(JSON.stringify(own)).not.toContain(business.identifier);
    expect(own.items).toHaveLength(3);
    const company = { organisationId: city.company.id };
    expect((await findLookUpsOfOrganisation(city.deps, { ...company, by: { personId: city.manager } })).items).toHaveLength(1);
    await expect(findLookUpsOfOrganisation(city.deps, { ...company, by: { personId: city.clerk } })).rejects.toMatchObject({
      code: 'not-allowed',
    });
  });

  test('cannot be rewritten or shortened, not even in the database', async () => {
    const row = await db.lookUp.findFirstOrThrow({ where: { receipt: { not: null } } });
    await expect(db.lookUp.update({ where: { id: row.id }, data: { purpose: 'x' } })).rejects.toThrow(/written once/);
    await expect(db.lookUp.update({ where: { id: row.id }, data: { receipt: 'x' } })).rejects.toThrow(/written once/);
    await expect(db.lookUp.delete({ where: { id: row.id } })).rejects.toThrow(/written once/);
  });
});

test('minting writes nothing to the database', async () => {
  const counts = async () => Promise.all([db.auditEvent.count(), db.lookUp.count(), db.licence.count(), db.codeKey.count()]);
  const before = await counts();
  for (let index = 0; index < 5; index++) await show(index % 2 === 0);
  expect(await counts()).toEqual(before);
});

test('a list published when many licences have ended still finds each at its place', async () => {
  await publishStatusList(city.deps);
  const { token } = await currentStatusList(city.deps);
  const keys = parseCodeKeys(await codeKeysFile(city.deps));
  const { readStatusList } = await import('#codes/status-list-token.ts');
  const list = readStatusList(token, (kid) => keys.statusListKeys.get(kid)?.publicKey, keys.statusListUri);
  if (typeof list === 'string') throw new Error(list);
  for (const row of await db.licence.findMany({ where: { status: { not: 'preparing' } } })) {
    const expected = row.status === 'in-force' ? 'in-force' : row.status === 'suspended' ? 'suspended' : 'ended';
    expect(list.statusOf(Number(row.statusIndex))).toBe(expected);
  }
});
