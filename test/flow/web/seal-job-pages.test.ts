/** Bulk sealing in a browser: beginning a job with files or an archive, its progress, what could not be sealed, and who sees what. */
import { deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { readZip } from '#documents/container/read-zip.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { registerOrganisation } from '#people/organisations.ts';
import { registerPerson } from '#people/register-person.ts';
import { runSealJobs } from '#seals/run-seal-jobs.ts';
import { packFiles, sampleFiles } from '#test/fakes/sample-ofd.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

const PLACE = '/desk/seal-jobs';
let city: WebCity;
let issuer: Browser;
let operator: Browser;
beforeAll(async () => {
  city = await webCity();
  issuer = await city.as(city.issuer);
  operator = await city.as(city.operator);
});

type Sent = readonly [name: string, bytes: Uint8Array];
let requests = 0;

async function send(browser: Browser, action: string, files: readonly Sent[], fields: Record<string, string> = {}, tokenLast = false) {
  const token = /name="csrf" value="([^"]+)"/.exec((await browser.get(`${PLACE}/new`)).body)?.[1] ?? '';
  const form = new FormData();
  if (!tokenLast) form.append('csrf', token);
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  for (const [name, bytes] of files) form.append('file', new Blob([Uint8Array.from(bytes)]), name);
  if (tokenLast) form.append('csrf', token);
  const encoded = new Response(form);
  const headers = { accept: 'text/html', 'content-type': encoded.headers.get('content-type') ?? '' };
  return browser.send({ method: 'POST', url: action, headers, payload: Buffer.from(await encoded.arrayBuffer()) });
}

const begin = (files: readonly Sent[], fields: Record<string, string> = {}) =>
  send(issuer, PLACE, files, { sealId: city.sealId, requestId: `page-request-${++requests}`, page: 'last', ...fields });

const idIn = (text: string) => /seal-jobs\/([0-9a-f-]{36})/.exec(text)?.[1] ?? '';

async function finish(jobId: string) {
  for (let turn = 0; turn < 50; turn++) {
    await runSealJobs(city.context);
    const { status } = await city.context.db.sealJob.findUniqueOrThrow({ where: { id: jobId } });
    if (status !== 'running') return status;
  }
  throw new Error('the job does not end');
}

test('without jobs the list says so and leads to the form; the form names the seal and the places', async () => {
  const list = (await issuer.get(PLACE)).body;
  expect(list).toContain('还没有批量用印任务');
  expect(list).toContain(`href="${PLACE}/new"`);
  const form = (await issuer.get(`${PLACE}/new`)).body;
  expect(form).toContain(city.sealId);
  for (const words of ['末页', '骑缝章', '指定页']) expect(form).toContain(words);
  expect((await operator.get('/admin/seal-jobs')).body).toContain('还没有批量用印任务');
});

describe('files with the names people give them', () => {
  let jobId: string;
  const names = ['张三劳动合同.pdf', '通知书 2026.ofd', '坏了.pdf'];

  test('are sealed; what cannot be is told in both languages, the rest comes back under its name', async () => {
    const sent = await begin([
      [names[0] as string, samplePdf()],
      [names[1] as string, packFiles(sampleFiles())],
      [names[2] as string, Buffer.from('%PDF-1.7 and no more')],
    ]);
    expect(sent.statusCode, sent.body).toBe(303);
    jobId = idIn(sent.headers.location ?? '');
    const running = (await issuer.get(`${PLACE}/${jobId}`)).body;
    expect(running).toContain('进行中');
    expect(running).toMatch(/live-progress\.js/);
    expect(running).toMatch(/<noscript><meta http-equiv="refresh" content="10">/);
    expect(await finish(jobId)).toBe('done');
    const done = (await issuer.get(`${PLACE}/${jobId}`)).body;
    for (const name of names) expect(done).toContain(name);
    expect(done).toContain('已完成，1 份未盖章');
    expect(done).toContain('该 PDF 无法签署');
    expect(done).toContain('This PDF cannot be signed');
    expect(done).not.toContain('http-equiv="refresh"');
    const failed = (await issuer.get(`${PLACE}/${jobId}?show=failed`)).body;
    expect(failed).toContain(names[2]);
    expect(failed).not.toContain(names[0]);
    const { roots, issuing } = await trustedCertificates(city.context);
    const links = [...done.matchAll(/href="(\/desk\/seal-jobs\/[^"]+\/files\/[^"]+)"/g)].map(([, link]) => link as string);
    expect(links.length).toBe(2);
    for (const [index, link] of links.entries()) {
      const file = await issuer.get(link);
      const disposition = decodeURIComponent(file.headers['content-disposition'] as string);
      expect(
        names.some((name) => disposition.includes(name)),
        `${index} ${disposition}`,
      ).toBe(true);
      const options = { anchors: roots, officialAnchors: roots, intermediates: issuing, at: city.context.clock.now() };
      expect(verifyDocument(file.rawPayload, 'x', options).report.verdict).toBe('genuine');
    }
  });

  test('all of them come in one archive, the same bytes as one by one; the page says what is in it', async () => {
    const page = (await issuer.get(`${PLACE}/${jobId}`)).body;
    expect(page).toContain('压缩包内另附清单 results.csv 和未盖章原因 errors.csv');
    const href = /href="([^"]+results\.zip)"/.exec(page)?.[1] ?? '';
    const sent = await issuer.get(href);
    expect(sent.headers).toMatchObject({ 'content-type': 'application/zip', 'cache-control': 'no-store' });
    expect(decodeURIComponent(sent.headers['content-disposition'] as string)).toMatch(/批量用印-\d{8}-\d{6}\.zip/);
    const archive = readZip(sent.rawPayload);
    expect(new Set(archive.entries.keys())).toEqual(new Set([...names.slice(0, 2), 'results.csv', 'errors.csv']));
    const links = [...page.matchAll(/href="([^"]+\/files\/[^"]+)" download aria-label="下载 Download ([^"]+)"/g)];
    expect(links.length).toBe(2);
    for (const [, link = '', name = ''] of links) {
      expect(Buffer.from(archive.read(name)).equals((await issuer.get(link)).rawPayload), name).toBe(true);
    }
    const errors = await issuer.get(`${PLACE}/${jobId}/errors.csv`);
    expect(Buffer.from(archive.read('errors.csv')).equals(errors.rawPayload)).toBe(true);
  });

  test('whoever only asks for the head of an archive or a file is told what it is, and nothing is read', async () => {
    const link = /href="([^"]+\/files\/[^"]+)" download/.exec((await issuer.get(`${PLACE}/${jobId}`)).body)?.[1] ?? '';
    const whole = await issuer.get(link);
    const opened: string[] = [];
    const { open } = city.context.files;
    city.context.files.open = (name) => {
      opened.push(name);
      return open(name);
    };
    try {
      const head = (url: string) => city.server.inject({ method: 'HEAD', url, cookies: Object.fromEntries(issuer.cookies) });
      const archive = await head(`${PLACE}/${jobId}/results.zip`);
      expect([archive.statusCode, archive.headers['content-type'], archive.rawPayload.length]).toEqual([200, 'application/zip', 0]);
      expect(opened).toEqual([]);
      const one = await head(link);
      expect([one.statusCode, one.headers['content-length'], one.rawPayload.length]).toEqual([200, whole.headers['content-length'], 0]);
      // To tell its length, and no more.
      expect(opened.length).toBe(1);
    } finally {
      city.context.files.open = open;
    }
  });

  test('an operator is offered no archive and gets none', async () => {
    expect((await operator.get(`/admin/seal-jobs/${jobId}`)).body).not.toContain('results.zip');
    expect((await operator.get(`/admin/seal-jobs/${jobId}/results.zip`)).statusCode).toBe(404);
    expect((await operator.get(`${PLACE}/${jobId}/results.zip`)).statusCode).toBe(403);
  });

  test('the errors go out as a table with the names; an operator sees state and reasons, and no name', async () => {
    const csv = await issuer.get(`${PLACE}/${jobId}/errors.csv`);
    expect(csv.headers['content-type']).toContain('text/csv');
    expect(csv.body.split('\r\n')[1]).toBe('坏了.pdf,PDF,pdf-not-signable,该 PDF 无法签署。,This PDF cannot be signed.');
    const listed = (await operator.get('/admin/seal-jobs')).body;
    expect(listed).toContain(`/admin/seal-jobs/${jobId}`);
    expect(listed).toContain(city.department.name);
    const page = (await operator.get(`/admin/seal-jobs/${jobId}`)).body;
    expect(page).toContain('该 PDF 无法签署');
    expect(page).not.toMatch(/<form[^>]+seal-jobs/);
    const seen = page + (await operator.get(`/admin/seal-jobs/${jobId}/errors.csv`)).body;
    for (const name of names) expect(seen).not.toContain(name);
  });

  test('the seal’s log leads whoever may see it to the job; the sections show nobody a page that is not theirs', async () => {
    expect((await issuer.get(`/desk/seals/${city.sealId}/uses`)).body).toContain(`${PLACE}/${jobId}`);
    expect((await operator.get(`/admin/seals/${city.sealId}/uses`)).body).toContain(`/admin/seal-jobs/${jobId}`);
    const { id: personId } = await registerPerson(city.context, { name: '吴印章', phone: '13900030008', by: 'system:test' });
    await appointStaff(city.context, { personId, organisationId: city.department.id, roles: ['seal-admin'], by: 'system:test' });
    const keeper = (await (await city.as(personId)).get(`/desk/seals/${city.sealId}/uses`)).body;
    expect([keeper.includes('批量用印'), keeper.includes(PLACE), keeper.includes('/desk/certificates')]).toEqual([true, false, true]);
  });

  test('names lie encrypted in the store, and nowhere in the audit', async () => {
    const rows = await city.context.db.sealJobFile.findMany({ where: { jobId } });
    expect(rows.length).toBe(3);
    for (const { key, name } of rows) {
      expect(key).toMatch(/^[0-9a-f]{24}$/);
      expect(Buffer.from(name ?? []).includes(Buffer.from('合同'))).toBe(false);
    }
    const events = await city.context.db.auditEvent.findMany({ where: { subject: `seal-job:${jobId}` } });
    expect(events.length).toBeGreaterThanOrEqual(3);
    expect(JSON.stringify(events.map(({ detail }) => detail))).not.toContain('张三');
  });

  test('the list is filtered by state and turns page by page', async () => {
    expect((await issuer.get(`${PLACE}?status=done`)).body).toContain(jobId);
    expect((await issuer.get(`${PLACE}?status=paused`)).body).toContain('没有处于该状态的任务');
    expect((await issuer.get(`${PLACE}?status=nonsense`)).body).toContain(jobId);
    await city.context.db.sealJob.createMany({
      data: Array.from({ length: 21 }, (_, index) => ({
        ...{ organisationId: city.department.id, sealId: city.sealId, actor: 'system:test', requestId: `paging-${index}` },
        ...{ status: 'cancelled', place: {}, createdAt: city.context.clock.now() },
      })),
    });
    const first = (await issuer.get(`${PLACE}?status=cancelled`)).body;
    const next = /href="([^"]+)" rel="next"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const second = (await issuer.get(next)).body;
    expect([first.match(/<tr><td>/g)?.length, second.match(/<tr><td>/g)?.length]).toEqual([20, 1]);
  });
});

describe('an archive', () => {
  test('is unpacked file by file, whatever its writer used for names; what operating systems add is left out', async () => {
    const files: Record<string, Uint8Array> = {
      '合同/一.pdf': samplePdf(),
      '合同/二.ofd': packFiles(sampleFiles()),
      '__MACOSX/合同/._一.pdf': Buffer.from('x'),
      '合同/.DS_Store': Buffer.from('x'),
      'readme.txt': Buffer.from('not to be sealed'),
    };
    const sent = await begin([['全部.zip', zip(files)]]);
    expect(sent.statusCode).toBe(422);
    expect(sent.body).toContain('已收到 2 份文件，另有 1 份未收');
    expect(sent.body).toContain('readme.txt');
    expect(sent.body).not.toContain('DS_Store');
    const jobId = idIn(/action="(\/desk\/seal-jobs\/[0-9a-f-]{36})\/start"/.exec(sent.body)?.[1] ?? '');
    expect((await issuer.submit(`${PLACE}/${jobId}`, `${PLACE}/${jobId}/start`, {})).statusCode).toBe(303);
    expect(await finish(jobId)).toBe('done');
    const done = (await issuer.get(`${PLACE}/${jobId}`)).body;
    expect(done).toContain('合同/一.pdf');
    expect(done).toContain('合同/二.ofd');
    expect(await stored(jobId)).toEqual([]);
  });

  test.each<[string, () => Uint8Array, string]>([
    ['that is none', () => Buffer.from('not an archive at all'), '压缩包无法读取'],
    ['with nothing in it', () => zip({}), '压缩包中没有文件'],
    ['with an encrypted file', () => zip({ 'a.pdf': samplePdf() }, { flags: 1 }), 'encrypted-entry'],
    ['whose entry is longer than stated', () => zip({ 'a.pdf': samplePdf() }, { sizeLess: 10 }), 'size-mismatch'],
    ['whose entry was damaged', () => zip({ 'a.pdf': samplePdf() }, { crcXor: 1 }), 'crc-mismatch'],
    ['that leads out of its folder', () => zip({ '../a.pdf': samplePdf() }), 'path-traversal'],
    ['that inflates without measure', () => zip({ 'a.pdf': new Uint8Array(64 * 1024 * 1024) }), 'compression-ratio'],
  ])('%s is refused with the reason, and nothing of it stays', async (_what, make, reason) => {
    const sent = await begin([['a.zip', make()]]);
    expect(sent.statusCode).toBe(422);
    expect(sent.body).toContain(reason);
    const [job] = await city.context.db.sealJob.findMany({ orderBy: { id: 'desc' }, take: 1, include: { files: true } });
    expect([job?.status, job?.files]).toEqual(['collecting', []]);
    expect(await stored(job?.id ?? '')).toEqual([]);
  });
});

test('a job waits when it shall, takes more files, each once, and is begun, paused, resumed and cancelled', async () => {
  const sent = await begin([['a.pdf', samplePdf()]], { begin: 'later', page: 'number', pageNumber: '1', fromRightMm: '30.5' });
  const at = `${PLACE}/${idIn(sent.headers.location ?? '')}`;
  const page = await issuer.get(at);
  expect(page.body).toContain('待开始');
  expect(page.body).not.toContain('results.zip');
  const early = await issuer.get(`${at}/results.zip`);
  expect([early.statusCode, early.headers['content-disposition']]).toEqual([409, undefined]);
  expect(page.body).toContain('第 1 页，章心距右边 30.5 毫米、距下边 55 毫米');
  for (let again = 0; again < 2; again++)
    expect((await send(issuer, `${at}/files`, [['b.pdf', samplePdf({ pages: 2 })]])).statusCode).toBe(303);
  const other = await send(issuer, `${at}/files`, [['b.pdf', samplePdf({ pages: 3 })]]);
  expect([other.statusCode, other.body.includes('同名但内容不同')]).toEqual([422, true]);
  expect(await city.context.db.sealJobFile.count({ where: { jobId: idIn(at) } })).toBe(2);
  const act = async (name: string) => (await issuer.submit(at, `${at}/${name}`, {})).statusCode;
  expect(await act('pause')).toBe(409);
  expect([await act('start'), await act('pause'), await act('resume'), await act('cancel'), await act('resume')]).toEqual([
    303, 303, 303, 303, 409,
  ]);
  expect(await act('destroy')).toBe(404);
  expect((await send(issuer, `${at}/files`, [['c.pdf', samplePdf()]])).statusCode).toBe(409);
});

describe('refused', () => {
  test('a form without a file, seal, or a page number where one is needed: shown again with what was filled in', async () => {
    for (const [files, fields, reason] of [
      [[['a.pdf', samplePdf()]], { sealId: '' }, '请选择印章'],
      [[['a.pdf', samplePdf()]], { page: 'number' }, '请填写页码'],
      [[['a.pdf', samplePdf()]], { fromRightMm: '一' }, '请填写毫米数'],
    ] as const) {
      const reply = await begin(files as unknown as Sent[], { fromBottomMm: '77', ...fields });
      expect([reply.statusCode, reply.body.includes(reason), reply.body.includes('value="77"')]).toEqual([422, true, true]);
    }
    const empty = await begin([]);
    expect(empty.statusCode).toBe(422);
    expect(empty.body).toContain('请选择要盖章的文件');
  });

  test('a form without its token, or with it behind the files', async () => {
    const fields = { sealId: city.sealId, requestId: 'page-request-token', page: 'last' };
    expect((await send(issuer, PLACE, [['a.pdf', samplePdf()]], fields, true)).statusCode).toBe(403);
    expect(await city.context.db.sealJob.count({ where: { requestId: 'page-request-token' } })).toBe(0);
  });

  test('a job of another organisation, to see or to touch', async () => {
    const job = await city.context.db.sealJob.findFirstOrThrow({ where: { organisationId: city.department.id } });
    const other = { name: '示范市林业局', internalCode: 'FOREST-02', kind: 'department', by: 'system:test' } as const;
    const { id: organisationId } = await registerOrganisation(city.context, other);
    const { id: personId } = await registerPerson(city.context, { name: '邻居', phone: '13900030009', by: 'system:test' });
    await appointStaff(city.context, { personId, organisationId, roles: ['issuer'], by: 'system:test' });
    const neighbour = await city.as(personId);
    expect((await neighbour.get(PLACE)).body).toContain('还没有批量用印任务');
    expect((await neighbour.get(`${PLACE}/${job.id}`)).statusCode).toBe(404);
    expect((await neighbour.get(`${PLACE}/${job.id}/errors.csv`)).statusCode).toBe(404);
    expect((await neighbour.get(`${PLACE}/${job.id}/results.zip`)).statusCode).toBe(404);
    expect((await neighbour.submit(PLACE, `${PLACE}/${job.id}/cancel`, {})).statusCode).toBe(404);
    expect((await neighbour.get(`${PLACE}/new`)).body).toContain('没有使用中的电子印章');
  });
});

/** What lies in the file store for this job: each file's source or result, nothing of archives. */
async function stored(jobId: string): Promise<string[]> {
  const names: string[] = [];
  for (const { name } of archives) if (name.includes(jobId) && (await city.context.files.find(name))) names.push(name);
  return names;
}
const archives: { name: string }[] = [];
beforeAll(() => {
  const { files } = city.context;
  const create = files.create.bind(files);
  files.create = (name) => {
    if (name.includes('.archive.')) archives.push({ name });
    return create(name);
  };
});
afterAll(() => expect(archives.length).toBeGreaterThanOrEqual(8));

/** A deflated archive, with what is asked for wrong in it. */
function zip(files: Record<string, Uint8Array>, { flags = 0, sizeLess = 0, crcXor = 0 } = {}): Uint8Array {
  const { crc32 } = process.getBuiltinModule('node:zlib');
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [path, content] of Object.entries(files)) {
    const name = Buffer.from(path);
    const data = deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(0x800 | flags, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE((crc32(content) ^ crcXor) >>> 0, 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(content.length - sizeLess, 18);
    fields.writeUInt16LE(name.length, 22);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), fields, name, data);
    const more = Buffer.alloc(14);
    more.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), fields, more, name);
    offset += 30 + name.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  const count = Object.keys(files).length;
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
