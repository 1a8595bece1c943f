/** The pages for certificates of other authorities, as forms without any script: adding one, signing in at the portal and for an app. */
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { removeTrustEntry } from '#certificates/trust-list-entries.ts';
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { registerPerson } from '#people/register-person.ts';
import { openSession } from '#sign-in/sessions.ts';
import { ForeignAuthority, type ForeignPerson } from '#test/fakes/foreign-authority.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { recogniseAuthority } from '#test/fakes/recognise-authority.ts';
import { authorizationUrl, exchange, testApp } from '#test/flow/oidc/test-app.ts';
import { TestBrowser, type Visit } from '#test/flow/oidc/test-browser.ts';
import type { TestProvider } from '#test/flow/oidc/test-provider.ts';
import { testDatabase } from '#test/test-database.ts';
import { formTo, loginWorld } from './login-world.ts';

const { db } = await testDatabase();
const world = await loginWorld(db, { keepOpen: true });
const deps = { ...world.deps, keys: memoryKeyStore(), publicOrigin: world.origin };
await initialiseAuthorities(deps);
const authority = new ForeignAuthority();
const { id: entryId, operator } = await recogniseAuthority(deps, authority);
Object.assign(world.context, { outbound: authority.outbound() });

const OWN = '/my/certificates/foreign';

async function certified() {
  const first17 = `35020319851${randomInt(10, 13)}${randomInt(10, 28)}${String(randomInt(100)).padStart(2, '0')}`
    .padEnd(17, '1')
    .slice(0, 17);
  const citizenNumber = first17 + citizenCheckCharacter(first17);
  const evidence = { method: 'counter' as const, source: 'desk' };
  const { id } = await registerPerson(deps, { name: '林晓梅', citizenNumber, by: 'system:test', evidence });
  return { id, person: authority.person(citizenNumber) };
}

async function signedIn(personId: string) {
  const browser = new TestBrowser();
  const { token } = await openSession(deps, { personId, acr: 'urn:tongren:acr:3', amr: ['sms'] });
  browser.cookies.push({ name: 'tongren_session', value: token, host: new URL(world.origin).host, path: '/' });
  return browser;
}

/** Gets a text on the page at this address, and sends what the person's tool made of it. */
async function sendSignature(browser: TestBrowser, page: Visit, person: ForeignPerson, stopAt?: (url: URL) => boolean) {
  const base = new URL(page.url).pathname;
  const { body } = formTo(page.html, `${base}/text`);
  const offered = await browser.go(`${world.origin}${base}/text`, { method: 'POST', body });
  const download = formTo(offered.html, '/challenge.txt');
  const text = await browser.go(`${world.origin}${base}/challenge.txt`, { method: 'POST', body: download.body });
  expect(text.headers.get('content-disposition')).toContain('challenge.txt');
  const form = new FormData();
  for (const [name, value] of formTo(offered.html, base).body) form.append(name, value);
  form.append('signature', new Blob([Buffer.from(person.cms(text.html))]), 'challenge.p7s');
  return browser.go(`${world.origin}${base}`, { method: 'POST', body: form }, stopAt);
}

async function added() {
  const who = await certified();
  const browser = await signedIn(who.id);
  await sendSignature(browser, await browser.go(`${world.origin}${OWN}`), who.person);
  return { ...who, browser };
}

test('a person adds one, sees it with its issuer, signs in with it, and removes it', async () => {
  const { id, person, browser } = await added();
  const list = await browser.go(`${world.origin}/my/certificates`);
  expect(list.html).toContain('邻省数字证书认证中心');
  expect(list.html).toContain(person.certificate.serialHex);
  expect(list.html).toContain('可用于登录');

  const fresh = new TestBrowser();
  const start = await fresh.go(`${world.origin}/login?return=/my/account`);
  expect(start.html).toContain('/login/foreign-certificate?return=');
  const page = await fresh.go(`${world.origin}/login/foreign-certificate?return=/my/account`);
  const back = await sendSignature(fresh, page, person);
  expect(new URL(back.url).pathname).toBe('/my/account');
  expect(await db.browserSession.findFirst({ where: { personId: id }, orderBy: { createdAt: 'desc' } })).toMatchObject({ amr: ['swk'] });

  const { action, body } = formTo(list.html, '/remove');
  await browser.go(`${world.origin}${action}`, { method: 'POST', body });
  const after = new TestBrowser();
  const refused = await sendSignature(after, await after.go(`${world.origin}/login/foreign-certificate`), person);
  expect(refused.status).toBe(403);
  expect(await db.foreignCertificate.count({ where: { personId: id } })).toBe(0);
});

test('an app that asked for the sign-in gets its answer, with level and method', async () => {
  const { person } = await added();
  const app = await testApp(world as unknown as TestProvider, 'foreign-certificate-app');
  const request = await authorizationUrl(app, {});
  const browser = new TestBrowser();
  const login = await browser.go(request.url.href);
  const page = await browser.go(`${login.url.split('?')[0]}/foreign-certificate`);
  const back = await sendSignature(browser, page, person, (url) => url.href.startsWith(app.redirectUri));
  const claims = (await exchange(app, { ...request, callback: new URL(back.url), visit: back })).claims();
  expect(claims).toMatchObject({ acr: 'urn:tongren:acr:3', amr: ['swk'] });
});

test('what is wrong is said on the page in both languages, and opens nothing', async () => {
  const notAdded = (await certified()).person;
  const browser = new TestBrowser();
  const go = async (person: ForeignPerson) => sendSignature(browser, await browser.go(`${world.origin}/login/foreign-certificate`), person);
  const unlinked = await go(notAdded);
  expect([unlinked.status, unlinked.html]).toEqual([403, expect.stringContaining('尚未添加到任何账号')]);
  const stranger = await go(new ForeignAuthority().person('11010519491231002X'));
  expect(stranger.html).toContain('其签发机构未被承认用于登录');
  expect(stranger.html).toContain('not recognised for signing in');
  authority.revoke(notAdded);
  authority.answers = 'ocsp';
  authority.known.push(notAdded);
  expect((await go(notAdded)).html).toContain('已被吊销');
  authority.answers = 'list';
  expect(browser.cookie('tongren_session')).toBeUndefined();
});

test('another person’s certificate is not added, and who signed in long ago confirms first', async () => {
  const [who, other] = [await certified(), await certified()];
  const browser = await signedIn(who.id);
  const refused = await sendSignature(browser, await browser.go(`${world.origin}${OWN}`), other.person);
  expect([refused.status, refused.html]).toEqual([403, expect.stringContaining('该证书登记的不是您本人')]);
  await db.browserSession.updateMany({ where: { personId: who.id }, data: { authTime: new Date(Date.now() - 11 * 60_000) } });
  const page = await browser.go(`${world.origin}${OWN}`);
  expect(page.html).toContain('确认是我');
  expect(page.html).not.toContain('获取待签文本');
});

test('a file larger than a signature is not taken, and a form of another site not at all', async () => {
  const browser = new TestBrowser();
  await browser.go(`${world.origin}/login/foreign-certificate`);
  const form = new FormData();
  form.append('signature', new Blob([new Uint8Array(70_000)]), 'large.p7s');
  expect((await browser.go(`${world.origin}/login/foreign-certificate`, { method: 'POST', body: form })).status).toBe(413);
  const small = new FormData();
  small.append('challenge', 'A'.repeat(43));
  expect((await browser.go(`${world.origin}/login/foreign-certificate`, { method: 'POST', body: small })).status).toBe(403);
});

test('once its authority is removed, a certificate that was added signs nobody in', async () => {
  const { person, browser: own } = await added();
  const inside = new TestBrowser();
  await sendSignature(inside, await inside.go(`${world.origin}/login/foreign-certificate`), person);
  expect((await inside.send(`${world.origin}/my/account`)).status).toBe(200);
  await removeTrustEntry(deps, { id: entryId, by: operator, reason: '资质失效' });
  const browser = new TestBrowser();
  const refused = await sendSignature(browser, await browser.go(`${world.origin}/login/foreign-certificate`), person);
  expect([refused.status, refused.html]).toEqual([403, expect.stringContaining('未被承认')]);
  expect((await own.go(`${world.origin}/my/certificates`)).html).toContain('不再承认');
  // Who is inside by it is outside; who is inside by other means stays.
  const thrownOut = await inside.send(`${world.origin}/my/account`);
  expect([thrownOut.status, thrownOut.headers.get('location')]).toEqual([303, expect.stringContaining('/login')]);
});
