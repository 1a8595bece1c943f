/** The citizen's pages for certificates, as the pages' own modules and forms use them, with each refusal. */
import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { noteForHolder } from '#certificates/certificate-notices.ts';
import { LIMITS } from '#certificates/enrolment-limits.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { importPrivateKey, rawFromDerSignature, signMessage } from '#crypto/suite.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { registerPerson } from '#people/register-person.ts';
import { parseCsr } from '#pki/csr.ts';
import { Problem } from '#problem.ts';
import { openSession } from '#sign-in/sessions.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { makeCsr, type TestCsr } from '#test/fakes/make-csr.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

let city: WebCity;
let requests = 0;
let people = 0;
beforeAll(async () => {
  city = await webCity();
});

const PAGE = '/my/certificates';

async function person(level: 2 | 3 = 3) {
  const evidence =
    level === 3 ? { method: 'registry-match' as const, source: 'register' } : { method: 'self-declared' as const, source: 'form' };
  const { id } = await registerPerson(city.deps, {
    name: '欧阳晓梅',
    phone: `138${String(++people).padStart(8, '0')}`,
    by: 'system:test',
    evidence,
  });
  return id;
}

async function get(browser: Browser, csr: TestCsr = makeCsr(), more: Record<string, unknown> = {}) {
  const reply = await browser.fetchJson(PAGE, { csr: csr.pem, requestId: `page-request-${++requests}`, ...more }, PAGE);
  return { reply, csr, serial: (reply.json() as { serial: string }).serial };
}

describe('getting one', () => {
  test('the page offers it, the module gets it, and list, detail, notice and file tell of it', async () => {
    const browser = await city.as(await person());
    const empty = await browser.get(PAGE);
    expect(empty.body).toContain('还没有数字证书');
    expect(empty.body).toContain('data-get');
    const { reply, serial, csr } = await get(browser);
    expect(reply.statusCode).toBe(201);
    const list = (await browser.get(PAGE)).body;
    expect(list).toContain(serial);
    expect(list).toContain('证书已签发');
    expect(list).not.toContain('欧阳晓梅');
    const detail = await browser.get(`${PAGE}/${serial}`);
    expect(detail.body).toContain('登录、签署文件');
    const file = await browser.get(`${PAGE}/${serial}/certificate.pem`);
    expect(file.headers['content-disposition']).toContain('attachment');
    const [own, issuer] = file.body.split(/(?<=-----END CERTIFICATE-----\n)/);
    const certificate = new X509Certificate(own ?? '');
    expect(certificate.verify(new X509Certificate(issuer ?? '').publicKey)).toBe(true);
    expect(certificate.serialNumber.toLowerCase()).toBe(serial);
    const spki = certificate.publicKey.export({ format: 'der', type: 'spki' });
    expect(spki.toString('hex')).toBe(Buffer.from(parseCsr(csr.pem).spki).toString('hex'));
  });

  test('the same request again answers the same certificate', async () => {
    const browser = await city.as(await person());
    const csr = makeCsr();
    const again = { csr: csr.pem, requestId: 'sent-twice-1' };
    const first = await browser.fetchJson(PAGE, again, PAGE);
    expect((await browser.fetchJson(PAGE, again, PAGE)).json()).toEqual(first.json());
  });

  test('below level 3 the page leads to the real name, and the request is refused', async () => {
    const browser = await city.as(await person(2));
    const page = (await browser.get(PAGE)).body;
    expect(page).toContain('/login/real-name?return=%2Fmy%2Fcertificates');
    expect(page).not.toContain('data-get');
    const { reply } = await get(browser);
    expect([reply.statusCode, reply.json()]).toMatchObject([403, { code: 'person-level-too-low' }]);
  });

  test('after ten minutes the page asks for a fresh proof, and the request is refused', async () => {
    const id = await person();
    const { token } = await openSession(city.deps, { personId: id, acr: 'urn:tongren:acr:3', amr: ['pwd'] });
    await city.deps.db.browserSession.updateMany({
      where: { personId: id },
      data: { authTime: new Date(city.deps.clock.now().getTime() - 601_000) },
    });
    const browser = city.stranger();
    browser.cookies.set('tongren_session', token);
    const page = (await browser.get(PAGE)).body;
    expect(page).toContain('/login?more=1&amp;return=%2Fmy%2Fcertificates');
    const { reply } = await get(browser);
    expect([reply.statusCode, reply.json()]).toMatchObject([403, { code: 'fresh-sign-in-needed' }]);
    expect((reply.json() as { detailZh?: string; titleZh: string }).titleZh).toMatch(/[一-鿿]/u);
  });

  test('a request whose proof of possession is wrong, or that is no request, is refused in plain words', async () => {
    const browser = await city.as(await person());
    const forged = await get(browser, makeCsr({ signedBy: makeCsr().key }));
    expect([forged.reply.statusCode, forged.reply.json()]).toMatchObject([422, { code: 'csr-not-acceptable' }]);
    const odd = await browser.fetchJson(PAGE, { csr: 'not a request', requestId: 'odd-request' }, PAGE);
    expect(odd.statusCode).toBe(422);
    expect((await browser.fetchJson(PAGE, { requestId: 'x' }, PAGE)).statusCode).toBe(422);
  });

  test('with as many as allowed the page says so, and the next is refused', async () => {
    const browser = await city.as(await person());
    for (let index = 0; index < LIMITS.person.live; index++) expect((await get(browser)).reply.statusCode).toBe(201);
    expect((await browser.get(PAGE)).body).toContain('请先吊销不用的');
    expect((await get(browser)).reply.json()).toMatchObject({ code: 'certificate-limit' });
  });

  test('a stranger is sent to the sign-in, and without the page’s token nothing is issued', async () => {
    const page = await city.stranger().get(PAGE);
    expect([page.statusCode, page.headers.location]).toEqual([303, '/login?return=%2Fmy%2Fcertificates']);
    const browser = await city.as(await person());
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const payload = JSON.stringify({ csr: makeCsr().pem, requestId: 'without-token' });
    const forged = await browser.send({ method: 'POST', url: PAGE, headers, payload });
    expect([forged.statusCode, forged.json()]).toMatchObject([403, { code: 'csrf-failed' }]);
  });
});

describe('what follows', () => {
  test('renewing waits for the last sixty days, then makes the next one with a new key', async () => {
    const browser = await city.as(await person());
    const { serial } = await get(browser);
    expect((await get(browser, makeCsr(), { renews: serial })).reply.json()).toMatchObject({ code: 'certificate-not-renewable' });
    const soon = new Date(city.deps.clock.now().getTime() + 30 * 86_400_000);
    await city.deps.db.issuedCertificate.update({ where: { serialHex: serial }, data: { notAfter: soon } });
    const page = await browser.get(`${PAGE}/${serial}`);
    expect(page.body).toContain(`data-renews="${serial}"`);
    expect(page.body).toContain('即将到期');
    const next = await get(browser, makeCsr(), { renews: serial });
    expect(next.reply.statusCode).toBe(201);
    expect((await browser.get(`${PAGE}/${serial}`)).body).toContain(`/my/certificates/${next.serial}`);
  });

  test('revoking asks for reason and confirmation, and happens once', async () => {
    const browser = await city.as(await person());
    const { serial } = await get(browser);
    const at = `${PAGE}/${serial}`;
    const unsure = await browser.submit(at, `${at}/revoke`, { reason: 'key-compromise' });
    expect([unsure.statusCode, unsure.body.includes('请确认吊销')]).toEqual([422, true]);
    const odd = await browser.submit(at, `${at}/revoke`, { reason: 'ca-compromise', sure: '1' });
    expect([odd.statusCode, odd.body.includes('请选择原因')]).toEqual([422, true]);
    expect((await browser.submit(at, `${at}/revoke`, { reason: 'key-compromise', sure: '1' })).statusCode).toBe(303);
    const page = (await browser.get(at)).body;
    expect(page).toContain('已吊销');
    expect(page).toContain('密钥可能泄露或设备丢失');
    expect(page).not.toContain('/revoke"');
    const again = await browser.submit(PAGE, `${at}/revoke`, { reason: 'key-compromise', sure: '1' });
    expect(again.statusCode).toBe(409);
  });

  test('another person’s certificate is not there, for looking, file, revoking and signing', async () => {
    const { serial } = await get(await city.as(await person()));
    const other = await city.as(await person());
    expect((await other.get(`${PAGE}/${serial}`)).statusCode).toBe(404);
    expect((await other.get(`${PAGE}/${serial}/certificate.pem`)).statusCode).toBe(404);
    expect((await other.submit(PAGE, `${PAGE}/${serial}/revoke`, { reason: 'superseded', sure: '1' })).statusCode).toBe(404);
    expect((await other.get(`${PAGE}/no-serial`)).statusCode).toBe(404);
    expect((await step(other, 'prepare', { serial })).statusCode).toBe(404);
  });

  test('a notice is ticked off by whom it is for, and by nobody else', async () => {
    const id = await person();
    const browser = await city.as(id);
    const { serial } = await get(browser);
    const row = { personId: id, organisationId: null, deviceId: null };
    await city.deps.db.$transaction((tx) => noteForHolder(tx, { row, serialHex: serial, kind: 'expires-7', at: city.deps.clock.now() }));
    const notice = await city.deps.db.certificateNotice.findFirstOrThrow({ where: { serialHex: serial, kind: 'expires-7' } });
    expect((await browser.get(PAGE)).body).toContain('证书将在 7 天内到期');
    const other = await city.as(await person());
    expect((await other.submit(PAGE, `${PAGE}/notices/${notice.id}/read`, {})).statusCode).toBe(404);
    expect((await browser.submit(PAGE, `${PAGE}/notices/${notice.id}/read`, {})).statusCode).toBe(303);
    const after = await city.deps.db.certificateNotice.findUniqueOrThrow({ where: { id: notice.id } });
    expect(after.readAt).not.toBeNull();
  });
});

/** One step of signing: a multipart form as the page's module sends it. */
async function step(browser: Browser, name: 'prepare' | 'finish', fields: Record<string, string>, pdf: Uint8Array | null = samplePdf()) {
  const token = /data-csrf="([^"]+)"/.exec((await browser.get(PAGE)).body)?.[1] ?? '';
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  if (pdf) form.append('file', new Blob([Uint8Array.from(pdf)], { type: 'application/pdf' }), '合同.pdf');
  const encoded = new Response(form);
  const headers = { accept: 'application/json', 'content-type': encoded.headers.get('content-type') ?? '', 'x-csrf-token': token };
  return browser.send({ method: 'POST', url: `${PAGE}/sign/${name}`, headers, payload: Buffer.from(await encoded.arrayBuffer()) });
}

describe('signing a PDF', () => {
  const signatureOf = (csr: TestCsr, bytes: Uint8Array) => {
    const key = importPrivateKey(new Uint8Array(csr.key.key.export({ format: 'der', type: 'pkcs8' })));
    return Buffer.from(rawFromDerSignature(signMessage(key, bytes))).toString('base64url');
  };

  test('server prepares, key signs, server builds it in; anybody sees a personal signature, nothing official, nothing kept', async () => {
    const browser = await city.as(await person());
    const { serial, csr } = await get(browser);
    expect((await browser.get(`${PAGE}/sign?serial=${serial}`)).body).toContain('个人签名');
    const prepared = await step(browser, 'prepare', { serial });
    const { signedAt, toBeSigned } = prepared.json() as { signedAt: string; toBeSigned: string };
    const bytes = Buffer.from(toBeSigned, 'base64');
    expect(bytes[0]).toBe(0x31);
    const signed = await step(browser, 'finish', { serial, signedAt, signature: signatureOf(csr, bytes) });
    expect([signed.statusCode, signed.headers['content-type']]).toEqual([200, 'application/pdf']);
    const form = new FormData();
    form.append('file', new Blob([Uint8Array.from(signed.rawPayload)]), 'signed.pdf');
    const encoded = new Response(form);
    const verified = await city.stranger().send({
      method: 'POST',
      url: '/verify',
      headers: { accept: 'text/html', 'content-type': encoded.headers.get('content-type') ?? '' },
      payload: Buffer.from(await encoded.arrayBuffer()),
    });
    expect(verified.body).toContain('个人签名');
    expect(verified.body).not.toContain('官方签发，内容未改动');
  });

  /** Signed from beginning to end: the reply to the second step. */
  async function sign(browser: Browser, held: { serial: string; csr: TestCsr }, pdf?: Uint8Array) {
    const { serial, csr } = held;
    const { signedAt, toBeSigned } = (await step(browser, 'prepare', { serial }, pdf)).json() as { signedAt: string; toBeSigned: string };
    const signature = signatureOf(csr, Buffer.from(toBeSigned, 'base64'));
    return step(browser, 'finish', { serial, signedAt, signature }, pdf);
  }
  async function verdictOf(pdf: Uint8Array) {
    const { roots, issuing } = await trustedCertificates(city.deps);
    return verifyPdf(pdf, { anchors: roots, intermediates: issuing, at: new Date(city.deps.clock.now().getTime() + 1_000) }).report;
  }

  test('the file has a proven time and all that proves it later: B-LT, and so has the next signer’s', async () => {
    const browser = await city.as(await person());
    const held = await get(browser);
    const signed = await sign(browser, held);
    expect(signed.headers['x-signature-level']).toBe('lt');
    const { verdict, official, signatures } = await verdictOf(signed.rawPayload);
    expect([verdict, official, signatures.map(({ kind }) => kind)]).toEqual(['genuine', false, ['signature', 'timestamp']]);
    expect(signatures[0]).toMatchObject({ form: 'pades-lt', indication: 'TOTAL-PASSED', time: { proven: expect.any(String) } });
    city.deps.clock.advance(1_000);
    const other = await city.as(await person());
    const twice = await sign(other, await get(other), signed.rawPayload);
    expect([twice.statusCode, twice.headers['x-signature-level']]).toEqual([200, 'lt']);
    // The second timestamp lies over what proves the first: an archive for both.
    const report = await verdictOf(twice.rawPayload);
    expect(report.verdict).toBe('genuine');
    expect(report.signatures.filter(({ kind }) => kind === 'signature').map(({ form }) => form)).toEqual(['pades-lta', 'pades-lta']);
  });

  test('while the timestamp authority is away the signature is made all the same, and said to be B-B', async () => {
    const browser = await city.as(await person());
    const held = await get(browser);
    const { keys } = city.context;
    city.context.keys = {
      ...keys,
      sign: (name, purpose, ...rest) =>
        purpose === 'timestamp' ? Promise.reject(new Problem('signer-unavailable')) : keys.sign(name, purpose, ...rest),
    };
    try {
      const signed = await sign(browser, held);
      expect([signed.statusCode, signed.headers['x-signature-level']]).toEqual([200, 'b']);
      const { verdict, signatures } = await verdictOf(signed.rawPayload);
      expect([verdict, signatures.length, signatures[0]?.time.proven]).toEqual(['genuine', 1, null]);
    } finally {
      city.context.keys = keys;
    }
  });

  test('beside a signature that we cannot confirm ours is made and stays B-B', async () => {
    const browser = await city.as(await person());
    const foreign = new DocumentAuthority({ suite: 'es256' }).issue('document-signer');
    const pdf = await signPdf(samplePdf(), {
      certificates: [foreign.certificate.der],
      suite: 'es256',
      signedAt: city.deps.clock.now(),
      fieldName: 'Foreign',
      sign: async (bytes) => signMessage(foreign.key, bytes),
    });
    const signed = await sign(browser, await get(browser), pdf);
    expect([signed.statusCode, signed.headers['x-signature-level']]).toEqual([200, 'b']);
    expect((await verdictOf(signed.rawPayload)).signatures.map(({ verdict }) => verdict)).toEqual(['untrusted-signer', 'genuine']);
  });

  test('a signature of another key, of other bytes, too late or over another file is refused', async () => {
    const browser = await city.as(await person());
    const { serial, csr } = await get(browser);
    const { signedAt, toBeSigned } = (await step(browser, 'prepare', { serial })).json() as { signedAt: string; toBeSigned: string };
    const bytes = Buffer.from(toBeSigned, 'base64');
    const good = signatureOf(csr, bytes);
    const code = async (fields: Record<string, string>, pdf?: Uint8Array | null) =>
      ((await step(browser, 'finish', { serial, signedAt, signature: good, ...fields }, pdf)).json() as { code: string }).code;
    expect(await code({ signature: signatureOf(makeCsr(), bytes) })).toBe('held-signature-wrong');
    expect(await code({ signature: signatureOf(csr, bytes.subarray(1)) })).toBe('held-signature-wrong');
    expect(await code({ signedAt: new Date(Date.parse(signedAt) - 1).toISOString() })).toBe('held-signature-wrong');
    expect(await code({ signedAt: new Date(Date.parse(signedAt) - 301_000).toISOString() })).toBe('invalid-input');
    expect(await code({ signedAt: new Date(Date.parse(signedAt) + 3_600_000).toISOString() })).toBe('invalid-input');
    expect(await code({ signature: 'AA' })).toBe('invalid-input');
    expect(await code({}, null)).toBe('invalid-input');
    expect(await code({}, Buffer.from('no pdf at all'))).toBe('pdf-not-signable');
  });

  test('a revoked certificate signs nothing and is not offered', async () => {
    const browser = await city.as(await person());
    const { serial } = await get(browser);
    await browser.submit(`${PAGE}/${serial}`, `${PAGE}/${serial}/revoke`, { reason: 'superseded', sure: '1' });
    expect((await step(browser, 'prepare', { serial })).json()).toMatchObject({ code: 'certificate-not-usable' });
    expect((await browser.get(`${PAGE}/sign`)).body).not.toContain(`value="${serial}"`);
  });

  test('the sign-in page has a place for it, hidden until the browser finds a key', async () => {
    const page = (await city.stranger().get('/login?return=/my/certificates')).body;
    expect(page).toMatch(/data-certificate-sign-in[^>]* hidden>/);
    expect(page).toContain('data-return="/my/certificates"');
  });
});
