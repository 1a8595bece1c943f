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
let browser: Browser;
let serial: string;
beforeAll(async () => {
  city = await webCity();
  const { id } = await registerPerson(city.deps, {
    ...{ name: '欧阳晓梅', phone: '13800000001', by: 'system:test' },
    evidence: { method: 'registry-match', source: 'register' },
  });
  browser = await city.as(id);
  serial = (await browser.fetchJson(PAGE, { csr: makeCsr().pem, requestId: 'costly-request-1' }, PAGE)).json().serial;
});

/** Read page by page before it is refused: more pages than allowed. */
const COSTLY = (() => {
  const count = 100_000;
  const kids = Array.from({ length: count }, (_, index) => `${index + 3} 0 R`).join(' ');
  const pages = Array.from({ length: count }, () => '<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>');
  return buildPdf(['<</Type/Catalog/Pages 2 0 R>>', `<</Type/Pages/Count ${count}/Kids[${kids}]>>`, ...pages]);
})();

async function prepare() {
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

test('with too many waiting, the next is told in both languages to come back, and when', async () => {
  const send = await prepare();
  const replies = await Promise.all(Array.from({ length: 8 }, send));
  const refused = replies.filter(({ statusCode }) => statusCode === 503);
  expect(refused.length).toBeGreaterThan(0);
  expect(replies.filter(({ statusCode }) => statusCode === 422).length).toBeGreaterThanOrEqual(6);
  expect(refused[0]?.headers['retry-after']).toBe('5');
  expect(refused[0]?.json()).toMatchObject({ code: 'unavailable', titleZh: expect.stringMatching(/\p{Script=Han}/u) });
});
