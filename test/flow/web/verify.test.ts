/** Public verification over HTTP: real licences, tampered ones, and files made to hurt. */
import { beforeAll, describe, expect, test } from 'vitest';
import { changeStatus } from '#licences/change-status.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { type WebCity, webCity } from './web-city.ts';

let city: WebCity;
const files: Record<'ofd' | 'pdf', Uint8Array> = { ofd: new Uint8Array(), pdf: new Uint8Array() };
let licenceId: string;
let identifier: string;

beforeAll(async () => {
  city = await webCity();
  ({ licenceId, identifier } = await city.issue('residence-permit', { personId: city.citizen }));
  for (const format of ['ofd', 'pdf'] as const) {
    files[format] = (await readLicenceFile(city.deps, { licenceId, format, reader: { as: 'holder', personId: city.citizen } })).bytes;
  }
});

function upload(url: string, bytes: Uint8Array, name = 'licence.ofd', accept = 'application/json') {
  const boundary = 'tongren-test';
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: application/octet-stream\r\n\r\n`;
  const payload = Buffer.concat([Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  return city
    .stranger()
    .send({ method: 'POST', url, headers: { accept, 'content-type': `multipart/form-data; boundary=${boundary}` }, payload });
}

/** Several files in one request. */
function uploadAll(url: string, sent: readonly Uint8Array[], accept = 'application/json') {
  const boundary = 'tongren-test';
  const parts = sent.flatMap((bytes, index) => [
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="licence-${index}"\r\n\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
  const payload = Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);
  return city
    .stranger()
    .send({ method: 'POST', url, headers: { accept, 'content-type': `multipart/form-data; boundary=${boundary}` }, payload });
}

describe('two files at once', () => {
  test('the OFD and the PDF of a licence are the same licence', async () => {
    const answer = (await uploadAll('/api/verify', [files.ofd, files.pdf])).json();
    expect(answer.sameLicence).toEqual({ verdict: 'same', reasons: [] });
    expect(answer.files.map(({ format, verdict }: { format: string; verdict: string }) => [format, verdict])).toEqual([
      ['ofd', 'genuine'],
      ['pdf', 'genuine'],
    ]);
    expect(answer.files[0].signatures[0].steps).toContainEqual({ step: 'timestamp', result: 'passed', reasons: [] });
    const page = await uploadAll('/verify', [files.ofd, files.pdf], 'text/html');
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('两份文件是同一证照');
    expect(page.body).toContain('核验步骤');
    expect(page.body.match(/class="verdict-file"/g)).toHaveLength(2);
  });

  test('files of two licences are not', async () => {
    const other = await city.issue('driving-licence', { personId: city.citizen });
    const reader = { as: 'holder', personId: city.citizen } as const;
    const { bytes } = await readLicenceFile(city.deps, { licenceId: other.licenceId, format: 'pdf', reader });
    const answer = (await uploadAll('/api/verify', [files.ofd, bytes])).json();
    expect(answer.sameLicence).toEqual({ verdict: 'different', reasons: ['other-licence'] });
  });

  test('beside a file that says nothing, nothing is proven; three are one too many', async () => {
    const answer = (await uploadAll('/api/verify', [files.ofd, Buffer.from('hello')])).json();
    expect(answer.sameLicence).toMatchObject({ verdict: 'not-proven' });
    expect((await uploadAll('/api/verify', [files.ofd, files.pdf, files.ofd])).statusCode).toBe(422);
  });
});

describe('POST /api/verify', () => {
  test.each(['ofd', 'pdf'] as const)('a licence of ours as %s is genuine, official and in force', async (format) => {
    const response = await upload('/api/verify', files[format], `licence.${format}`);
    expect(response.statusCode).toBe(200);
    const report = response.json();
    expect(report).toMatchObject({ format, verdict: 'genuine', official: true, licence: { identifier, status: 'in-force' } });
    expect(report.file).toMatchObject({ name: `licence.${format}`, bytes: files[format].length });
    expect(report.signatures[0].signer.organisation).toBe('示范市市场监督管理局');
  });

  test.each(['ofd', 'pdf'] as const)('with one byte changed, the %s is not', async (format) => {
    const changed = Uint8Array.from(files[format]);
    const middle = Math.floor(changed.length / 3);
    changed[middle] = (changed[middle] ?? 0) ^ 0xff;
    const report = (await upload('/api/verify', changed)).json();
    expect(['altered', 'malformed', 'not-valid']).toContain(report.verdict);
    expect(report.official).toBe(false);
  });

  test.each([
    ['an empty file', new Uint8Array()],
    ['text', new TextEncoder().encode('hello')],
    ['half an OFD', 'half-ofd'],
    ['half a PDF', 'half-pdf'],
    ['a ZIP that only begins', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0)],
    ['deep DER', new Uint8Array(100_000).fill(0x30)],
  ])('%s is malformed or unsupported, with a reason', async (_what, content) => {
    const bytes =
      content === 'half-ofd'
        ? files.ofd.subarray(0, files.ofd.length / 2)
        : content === 'half-pdf'
          ? files.pdf.subarray(0, files.pdf.length / 2)
          : content;
    const response = await upload('/api/verify', bytes as Uint8Array);
    expect(response.statusCode).toBe(200);
    const { verdict, reasons, signatures } = response.json();
    expect(['malformed', 'unsupported', 'altered']).toContain(verdict);
    expect(reasons.length + signatures.flatMap((signature: { reasons: string[] }) => signature.reasons).length).toBeGreaterThan(0);
  });

  test('no file, no multipart and a broken multipart are the client’s fault', async () => {
    const send = (headers: Record<string, string>, payload: string) =>
      city.stranger().send({ method: 'POST', url: '/api/verify', headers: { accept: 'application/json', ...headers }, payload });
    expect((await send({ 'content-type': 'application/json' }, '{}')).statusCode).toBe(415);
    expect((await send({ 'content-type': 'multipart/form-data; boundary=x' }, '--x--\r\n')).statusCode).toBe(422);
    expect((await send({ 'content-type': 'multipart/form-data' }, 'abc')).statusCode).toBeLessThan(500);
    expect(
      (
        await send(
          { 'content-type': 'multipart/form-data; boundary=x' },
          '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nabc',
        )
      ).statusCode,
    ).toBeLessThan(500);
  });

  test('a licence that ended keeps its file’s verdict and says so', async () => {
    const ended = await city.issue('driving-licence', { personId: city.citizen });
    const { bytes } = await readLicenceFile(city.deps, {
      licenceId: ended.licenceId,
      format: 'pdf',
      reader: { as: 'holder', personId: city.citizen },
    });
    await changeStatus(city.deps, { licenceId: ended.licenceId, status: 'cancelled', reason: '持证人申请', by: { personId: city.issuer } });
    expect((await upload('/api/verify', bytes)).json()).toMatchObject({ verdict: 'genuine', licence: { status: 'cancelled' } });
  });
});

describe('the page', () => {
  test('shows who sealed it, that it is official, its state, and its picture', async () => {
    const page = await upload('/verify', files.ofd, '居住证.ofd', 'text/html');
    expect(page.statusCode).toBe(200);
    for (const words of ['官方签发', '示范市市场监督管理局', '居住证.ofd', identifier, 'data:image/png;base64,', 'verdict-good'])
      expect(page.body).toContain(words);
  });

  test('shows no green for a file that is not official', async () => {
    const page = await upload('/verify', new TextEncoder().encode('hello'), 'x.txt', 'text/html');
    expect(page.statusCode).toBe(200);
    expect(page.body).not.toContain('verdict-good');
  });

  test('a name with markup stays text', async () => {
    const page = await upload('/verify', new TextEncoder().encode('hello'), '<img src=x onerror=alert(1)>.pdf', 'text/html');
    expect(page.body).not.toContain('<img src=x');
    expect(page.body).toContain('&lt;img src=x');
  });
});

test('what is uploaded is not kept: no row and no file more than before', async () => {
  const before = [await city.deps.db.auditEvent.count(), city.deps.files.names().length];
  await upload('/api/verify', files.pdf);
  expect([await city.deps.db.auditEvent.count(), city.deps.files.names().length]).toEqual(before);
});
