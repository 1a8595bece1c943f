/** The counter: purpose first, then the code by any way; and what the holder then reads. */
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { changeStatus } from '#licences/change-status.ts';
import { showCode } from '#licences/show-code.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

let city: WebCity;
let clerk: Browser;
let licenceId: string;
let requests = 0;

beforeAll(async () => {
  city = await webCity();
  clerk = await city.as(city.clerk);
  ({ licenceId } = await city.issue('residence-permit', { personId: city.citizen }));
});

const code = () => showCode(city.deps, { personId: city.citizen, licenceId });
const redeem = (input: string, fields: Record<string, string> = {}) =>
  clerk.submit('/counter', '/counter', { purpose: 'bank-account', input, requestId: `counter-test-${++requests}`, ...fields });

describe('reading a code', () => {
  test('by its digits: valid, the licence in full, and the holder’s log names purpose and organisation', async () => {
    const page = await redeem((await code()).digits);
    expect(page.statusCode).toBe(200);
    for (const words of ['verdict-good', '居住证', '张小三', '示范市第一医院']) expect(page.body).toContain(words);
    const log = await (await city.as(city.citizen)).get('/my/look-ups');
    for (const words of ['示范市第一医院', '办理银行开户', '居住证']) expect(log.body).toContain(words);
  });

  test('by the short number as people type it, with blanks and full-width digits', async () => {
    const { shortNumber } = await code();
    const typed = (shortNumber ?? '')
      .replace(/(.{4})/g, '$1 ')
      .replace(/\d/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0));
    expect((await redeem(typed)).body).toContain('verdict-good');
  });

  test('as a gun sends it, with a line end', async () => {
    expect((await redeem(`${(await code()).digits}\r\n`)).body).toContain('verdict-good');
  });

  test('a second time: used', async () => {
    const { digits } = await code();
    await redeem(digits);
    const page = await redeem(digits);
    expect(page.body).toContain('已被使用');
    expect(page.body).not.toContain('verdict-good');
    expect(page.body).not.toContain('张小三');
  });

  test('the same form sent twice shows the same answer, not “used”', async () => {
    const { digits } = await code();
    const first = await redeem(digits, { requestId: 'double-click-1' });
    const second = await redeem(digits, { requestId: 'double-click-1' });
    for (const page of [first, second]) expect(page.body).toContain('verdict-good');
  });

  test('after its time: expired', async () => {
    const { digits, lifeSeconds } = await code();
    city.deps.clock.advance(lifeSeconds * 1000);
    expect((await redeem(digits)).body).toContain('已过期');
  });

  test('with a digit changed: forged or unreadable, never valid', async () => {
    const { digits } = await code();
    const changed = `${digits.slice(0, -1)}${(Number(digits.at(-1)) + 1) % 10}`;
    expect((await redeem(changed)).body).toContain('verdict-bad');
  });

  test('of a licence that was suspended: not in force, with its state', async () => {
    const { digits } = await code();
    const by = { personId: city.issuer };
    await changeStatus(city.deps, { licenceId, status: 'suspended', reason: '调查期间暂扣', by });
    const page = await redeem(digits);
    expect(page.body).toContain('证照无效');
    expect(page.body).not.toContain('verdict-good');
    await changeStatus(city.deps, { licenceId, status: 'in-force', reason: '调查结束', by });
  });

  test.each(['hello', '12345', '0'.repeat(300), '🀄'.repeat(50)])('%s: cannot be read', async (input) => {
    const page = await redeem(input);
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('无法识别');
  });
});

test('a photo is shown, so that faces can be compared', async () => {
  const photo = PNG.sync.write(Object.assign(new PNG({ width: 60, height: 80 }), { data: Buffer.alloc(60 * 80 * 4, 200) }));
  const { licenceId: withPhoto } = await city.issue('residence-permit', { personId: city.citizen }, photo);
  const { digits } = await showCode(city.deps, { personId: city.citizen, licenceId: withPhoto });
  const page = await redeem(digits);
  expect(page.body).toContain(`data:image/png;base64,${photo.toString('base64')}`);
});

describe('the purpose', () => {
  test('must be said first', async () => {
    const { digits } = await code();
    const page = await redeem(digits, { purpose: '' });
    expect(page.statusCode).toBe(422);
    expect(page.body).toContain('请选择用途');
    expect((await redeem(digits)).body).toContain('verdict-good');
  });

  test('in free words reaches the holder as written', async () => {
    await redeem((await code()).digits, { purpose: 'other', otherPurpose: '<b>办理老年人优待证</b>' });
    const log = await (await city.as(city.citizen)).get('/my/look-ups');
    expect(log.body).toContain('&lt;b&gt;办理老年人优待证&lt;/b&gt;');
  });

  test('in free words that say nothing is refused at its field', async () => {
    const page = await redeem((await code()).digits, { purpose: 'other', otherPurpose: '' });
    expect(page.statusCode).toBe(422);
  });
});

test('the clerk’s own history names type, purpose and verdict, and no holder', async () => {
  const page = await clerk.get('/counter/history');
  expect(page.statusCode).toBe(200);
  expect(page.body).toContain('居住证');
  expect(page.body).toContain('办理银行开户');
  expect(page.body).not.toContain('张小三');
});

describe('the page’s own calls', () => {
  test('the next code comes as picture, digits and twin, and works', async () => {
    const me = await city.as(city.citizen);
    const next = await me.fetchJson(`/api/my/licences/${licenceId}/code`, { withName: false }, `/my/licences/${licenceId}/code`);
    expect(next.statusCode).toBe(200);
    const { svg, digits, shortNumber, lifeSeconds } = next.json();
    expect(svg).toMatch(/^<svg xmlns/);
    expect(digits).toMatch(/^\d{250,354}$/);
    expect(shortNumber).toMatch(/^\d{20}$/);
    expect(lifeSeconds).toBe(60);
    expect((await redeem(digits)).body).toContain('verdict-good');
    const latest = await me.get('/api/my/look-ups/latest', { accept: 'application/json' });
    expect(latest.json().lookUp).toMatchObject({ organisationName: '示范市第一医院' });
  });

  test('without the token in the header there is no code', async () => {
    const me = await city.as(city.citizen);
    const headers = { accept: 'application/json', 'content-type': 'application/json' };
    const response = await me.send({ method: 'POST', url: `/api/my/licences/${licenceId}/code`, headers, payload: '{}' });
    expect(response.json().code).toBe('csrf-failed');
  });

  test('nobody gets a code of another’s licence', async () => {
    const other = await city.as(city.otherCitizen);
    expect((await other.fetchJson(`/api/my/licences/${licenceId}/code`, {}, '/my/account')).statusCode).toBe(404);
  });

  test('staff redeem over the API with their session', async () => {
    const response = await clerk.fetchJson(
      '/api/codes/redeem',
      { input: (await code()).digits, purpose: 'identity-check', requestId: 'api-session-1' },
      '/counter',
    );
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({ verdict: 'valid', licence: { holderName: '张小三', status: 'in-force' } });
    expect(response.json().receipt).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });
});
