import { beforeAll, describe, expect, test } from 'vitest';
import { type WebCity, webCity } from './web-city.ts';

let city: WebCity;
let licenceId: string;
let publicToken: string;

beforeAll(async () => {
  city = await webCity();
  ({ licenceId, publicToken } = await city.issue('residence-permit', { personId: city.citizen }));
});

describe('pages for everybody', () => {
  test.each(['/', '/verify', '/ca', '/problems', '/problems/internal', '/demo/sms', '/login'])(
    '%s opens without signing in',
    async (path) => {
      const page = await city.stranger().get(path);
      expect(page.statusCode).toBe(200);
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(page.headers['content-security-policy']).toContain("default-src 'self'");
      expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(page.body).toContain('<html lang="zh-CN"');
    },
  );

  test('every page keeps scripts and styles in files of our own', async () => {
    for (const path of ['/', '/verify', '/ca', '/login']) {
      const { body } = await city.stranger().get(path);
      expect(body).not.toMatch(/<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc="\/assets\/)/);
    }
  });

  test('the page of a printed QR shows the status and no full name', async () => {
    const page = await city.stranger().get(`/v/${publicToken}`);
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('居住证');
    expect(page.body).toContain('有效');
    expect(page.body).not.toContain('张小三');
    expect(page.headers['x-robots-tag']).toBe('noindex');
  });

  test('a token nobody was given opens nothing', async () => {
    expect((await city.stranger().get(`/v/${publicToken.slice(0, -2)}AA`)).statusCode).toBe(404);
    expect((await city.stranger().get('/v/x')).statusCode).toBe(404);
  });
});

describe('pages of the citizen', () => {
  test.each(['/my', '/my/look-ups', '/my/apps', '/my/sessions', '/my/account', '/counter', '/desk', '/admin'])(
    '%s sends a stranger to the sign-in and knows the way back',
    async (path) => {
      const page = await city.stranger().get(path);
      expect(page.statusCode).toBe(303);
      expect(page.headers.location).toBe(`/login?return=${encodeURIComponent(path)}`);
    },
  );

  test.each(['/my/look-ups', '/my/apps', '/my/sessions', '/my/account'])('%s opens', async (path) => {
    const page = await (await city.as(city.citizen)).get(path);
    expect(page.statusCode).toBe(200);
    expect(page.headers['cache-control']).toBe('no-store');
  });

  test('my licences show as cards, and one in full', async () => {
    const me = await city.as(city.citizen);
    const cards = await me.get('/my');
    expect(cards.statusCode).toBe(200);
    expect(cards.body).toContain(`/my/licences/${licenceId}`);
    const one = await me.get(`/my/licences/${licenceId}`);
    expect(one.statusCode).toBe(200);
    expect(one.body).toContain('亮码');
  });

  test('the code page works without JavaScript: a new code with each loading, and it loads itself again', async () => {
    const me = await city.as(city.citizen);
    const first = await me.get(`/my/licences/${licenceId}/code`);
    const second = await me.get(`/my/licences/${licenceId}/code`);
    const shortNumber = (page: { body: string }) => /data-short>([0-9 ]{24})</.exec(page.body)?.[1];
    expect(first.statusCode).toBe(200);
    expect(shortNumber(first)).toMatch(/^\d{4}( \d{4}){4}$/);
    expect(shortNumber(second)).not.toBe(shortNumber(first));
    expect(first.body).toContain('<noscript><meta http-equiv="refresh" content="60">');
  });

  test('another citizen is told that there is no such licence', async () => {
    const other = await city.as(city.otherCitizen);
    for (const path of ['', '/code', '/licence.pdf', '/licence.ofd', '/picture.png']) {
      expect((await other.get(`/my/licences/${licenceId}${path}`)).statusCode).toBe(404);
    }
  });

  test.each(['ofd', 'pdf'])('my licence can be saved as %s under its own name', async (format) => {
    const file = await (await city.as(city.citizen)).get(`/my/licences/${licenceId}/licence.${format}`);
    expect(file.statusCode).toBe(200);
    expect(file.headers['content-type']).toBe(`application/${format}`);
    expect(file.headers['content-disposition']).toMatch(new RegExp(`^attachment; filename=".+\\.${format}"`));
    expect(file.rawPayload.subarray(0, 4).toString('latin1')).toBe(format === 'ofd' ? 'PK\x03\x04' : '%PDF');
  });

  test('the picture of my licence is a PNG', async () => {
    const picture = await (await city.as(city.citizen)).get(`/my/licences/${licenceId}/picture.png`);
    expect(picture.statusCode).toBe(200);
    expect(picture.rawPayload.subarray(1, 4).toString('latin1')).toBe('PNG');
  });
});

test('the overview says nothing of a change of data keys while there is none, then how far it is, and what does not open', async () => {
  const operator = await city.as(city.operator);
  const overview = async () => (await operator.get('/admin')).body;
  expect(await overview()).not.toContain('数据重新加密');
  const { db, clock } = city.deps;
  const { id } = await db.resealPass.create({ data: { version: 7, startedAt: clock.now(), startedBy: 'system:test' } });
  expect(await overview()).toContain('等待各进程切换');
  await db.resealPass.update({ where: { id }, data: { settledAt: clock.now() } });
  await db.resealPlace.create({
    data: { passId: id, place: 'person.name', looked: 4321, resealed: 4320, faulty: 1, endedAt: clock.now() },
  });
  const running = await overview();
  for (const words of ['进行中', 'data-7', '<dd>4321</dd>', '<dd>4320</dd>']) expect(running).toContain(words);
  await db.resealPass.update({ where: { id }, data: { outcome: 'faulty', endedAt: clock.now() } });
  expect(await overview()).toContain('badge-bad">有无法解密的数据');
});
