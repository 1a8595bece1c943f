/** What commands say of files that cannot be had, and of a log that does not answer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { fileFault } from '#commands/file-fault.ts';
import { checkTrust } from '#commands/trust.ts';
import { verifyCertificate } from '#commands/verify-certificate.ts';
import { exportLogHead, verifyLog } from '#commands/verify-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'file-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));
process.env['TONGREN_DATA_DIR'] = join(folder, 'no-installation');
const absent = join(folder, 'absent');
const empty = join(folder, 'empty');
writeFileSync(empty, '');
const NOWHERE = 'http://127.0.0.1:9';

let said: string[] = [];
beforeEach(() => {
  said = [];
  for (const way of ['log', 'error'] as const) vi.spyOn(console, way).mockImplementation((text) => void said.push(String(text)));
});

test('each fault is a sentence in both languages that names the file', async () => {
  const faultOf = (work: Promise<unknown>, path?: string) =>
    work.then(
      () => 'none',
      (error) => fileFault(error, path),
    );
  expect(await faultOf(readFile(absent))).toBe(`${absent} is not there. / ${absent} 不存在。`);
  expect(await faultOf(readFile(folder), folder)).toBe(`${folder} is a folder, not a file. / ${folder} 是目录，不是文件。`);
  expect(await faultOf(readFile(folder))).toBe('What was named is a folder, not a file. / 所指定的路径是目录，不是文件。');
  expect(await faultOf(writeFile(empty, '', { flag: 'wx' }))).toContain('is there already. / ');
  expect(await faultOf(readFile(join(empty, 'below')))).toContain('no folder');
  expect(await faultOf(readFile(empty, 'utf8').then(JSON.parse), empty)).toBe(`${empty} is not JSON. / ${empty} 不是 JSON。`);
  expect(fileFault(new Error('in its own words'))).toBe('in its own words');
});

test('commands say it so', async () => {
  expect(verifyCertificate(absent, { intermediates: [], trust: [], crl: [], ocsp: [], policy: [] })).toBe(3);
  expect(await checkTrust(empty, { trust: [] })).toBe(2);
  expect(await verifyLog({ url: NOWHERE, trust: [empty] })).toBe(2);
  expect(await verifyLog({ url: NOWHERE, trust: [], head: empty })).toBe(2);
  expect(said).toEqual([
    `${absent} is not there. / ${absent} 不存在。`,
    `${empty} is not JSON. / ${empty} 不是 JSON。`,
    `--trust: ${empty} holds no certificate in PEM. / ${empty} 中没有 PEM 证书。`,
    `--head: ${empty} is not JSON. / ${empty} 不是 JSON。`,
  ]);
});

test('a log that does not answer is not said to be changed; what is no address is wrong use', async () => {
  expect(await verifyLog({ url: NOWHERE, trust: [] })).toBe(2);
  const [words = ''] = said;
  expect(words).toContain('The issuance log cannot be read. / 无法读取签发日志。');
  expect(words).toContain(`${NOWHERE} does not answer`);
  expect(words).not.toContain('not as it was signed');
  for (const url of ['nonsense', '', 'file:///etc/passwd']) {
    expect(await verifyLog({ url, trust: [] })).toBe(3);
    expect(await exportLogHead({ url, out: join(folder, 'head.json') })).toBe(3);
  }
  expect(said.slice(1).every((line) => line.includes('--url'))).toBe(true);
});
