/** A PDF made to be costly, handed in for signing: it costs a thread, and nobody else's time. */
import { setImmediate } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { registerPerson } from '#people/register-person.ts';
import { makeCsr } from '#test/fakes/make-csr.ts';
import { buildPdf } from '#test/fakes/sample-pdf.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

const PAGE = '/my/certificates';
/** More answers than there can be between the arrival of a request and the reading of its file, were that on the same thread. */
const MANY = 1_000;

let city: WebCity;
beforeAll(async () => {
  city = await webCity();
});

let people = 0;
/** Somebody who has a certificate to sign with. */
async function signer(): Promise<{ browser: Browser; serial: string }> {
  const phone = `1380000${String(++people).padStart(4, '0')}`;
  const evidence = { method: 'registry-match', source: 'register' } as const;
  const { id } = await registerPerson(city.deps, { name: '欧阳晓梅', phone, by: 'system:test', evidence });
  const browser = await city.as(id);
  const { serial } = (await browser.fetchJson(PAGE, { csr: makeCsr().pem, requestId: `costly-request-${people}` }, PAGE)).json();
  return { browser, serial };
}

/** Read page by page before it is refused: more pages than allowed. */
const COSTLY = (() => {
  const count = 100_000;
  const kids = Array.from({ length: count }, (_, index) => `${index + 3} 0 R`).join(' ');
  const pages = Array.from({ length: count }, () => '<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>');
  return buildPdf(['<</Type/Catalog/Pages 2 0 R>>', `<</Type/Pages/Count ${count}/Kids[${kids}]>>`, ...pages]);
})();

async function prepare() {
  const { browser, serial } = await signer();
  const token = /data-csrf="([^"]+)"/.exec((await browser.get(PAGE)).body)?.[1] ?? '';
  const form = new FormData();
  form.append('serial', serial);
  form.append('file', new Blob([Uint8Array.from(COSTLY)], { type: 'application/pdf' }), 'a.pdf');
  const encoded = new Response(form);
  const headers = { accept: 'application/json', 'content-type': encoded.headers.get('content-type') ?? '', 'x-csrf-token': token };
  const payload = Buffer.from(await encoded.arrayBuffer());
  return () => browser.send({ method: 'POST', url: `${PAGE}/sign/prepare`, headers, payload });
}

test('while it is read, others are answered again and again', async () => {
  const send = await prepare();
  let done = false;
  const prepared = send().finally(() => {
    done = true;
  });
  let answered = 0;
  while (!done) {
    expect((await city.server.inject({ method: 'GET', url: '/health/live' })).statusCode).toBe(200);
    // A turn of the event loop, in which a file read on this thread would have been read.
    await setImmediate();
    if (!done) answered++;
  }
  // By its limits, or on a machine with much else to do by the watchdog.
  expect((await prepared).json().code).toMatch(/^(?:pdf-not-signable|file-too-costly)$/);
  expect(answered).toBeGreaterThan(MANY);
});

test('one person has one file at a time in work; others have theirs', async () => {
  const [first, other] = [await prepare(), await prepare()];
  const replies = await Promise.all([first(), first(), other()]);
  expect(replies.map(({ statusCode }) => statusCode).sort()).toEqual([422, 422, 429]);
  expect(replies.find(({ statusCode }) => statusCode === 429)?.headers['retry-after']).toBe('5');
  expect(replies[2]?.statusCode).toBe(422);
  // When it is done, the next may come.
  expect((await first()).statusCode).toBe(422);
});

test('with too many waiting, the next is told in both languages to come back, and when', async () => {
  const senders = [];
  for (let count = 0; count < 8; count++) senders.push(await prepare());
  const replies = await Promise.all(senders.map((send) => send()));
  const refused = replies.filter(({ statusCode }) => statusCode === 503);
  expect(refused.length).toBeGreaterThan(0);
  expect(replies.filter(({ statusCode }) => statusCode === 422).length).toBeGreaterThanOrEqual(6);
  expect(refused[0]?.headers['retry-after']).toBe('5');
  expect(refused[0]?.json()).toMatchObject({ code: 'unavailable', titleZh: expect.stringMatching(/\p{Script=Han}/u) });
});
