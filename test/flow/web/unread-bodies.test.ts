/** Who may not send a file is told so before it is read: nobody fills our memory without signing in. */
import { connect } from 'node:net';
import { beforeAll, expect, test } from 'vitest';
import { type WebCity, webCity } from './web-city.ts';

let city: WebCity;

beforeAll(async () => {
  city = await webCity({ listen: true });
});

const MEGABYTE = 1024 * 1024;

/** Announces thirty megabytes, sends the first of them and waits: what does the server say? */
function answerToUnfinished(method: string, path: string, headers: Record<string, string>, begin = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = Object.entries({ host: new URL(city.origin).host, accept: 'application/json', ...headers });
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const socket = connect(Number(new URL(city.origin).port), '127.0.0.1', () => {
      socket.write(`${method} ${path} HTTP/1.1\r\n${head}content-length: ${30 * MEGABYTE}\r\n\r\n${begin}`);
      socket.write(Buffer.alloc(64 * 1024, 'x'));
    });
    let text = '';
    socket.on('data', (data) => {
      text += data;
      if (/"code":"[a-z-]+"/.test(text)) {
        socket.destroy();
        resolve(/"code":"([a-z-]+)"/.exec(text)?.[1] ?? '');
      }
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed without a problem: ${text.slice(0, 200)}`)));
  });
}

const JOB_ID = '0198f0c2-7b1e-7000-8000-00000000abcd';
const JOB_FILE = `/api/seal-jobs/${JOB_ID}/files/a.pdf`;
const binary = { 'content-type': 'application/octet-stream' };

test('a file for a seal job: by nobody, and with a token that is none', async () => {
  expect(await answerToUnfinished('PUT', JOB_FILE, binary)).toBe('csrf-failed');
  expect(await answerToUnfinished('PUT', JOB_FILE, { ...binary, authorization: 'Bearer nonsense' })).toBe('not-signed-in');
});

test('more files than the form has fields for are not read either', async () => {
  const cookie = `tongren_session=${await city.sessionOf(city.citizen)}`;
  const part = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.pdf"\r\ncontent-type: application/pdf\r\n\r\nx\r\n';
  const headers = { 'content-type': 'multipart/form-data; boundary=b', cookie };
  expect(await answerToUnfinished('POST', '/my/certificates/sign/prepare', headers, part + part)).toBe('too-large');
});

test.each([
  '/my/certificates/sign/prepare',
  '/my/certificates/sign/finish',
  '/my/certificates/foreign',
  '/desk/issue/residence-permit',
  '/desk/certificates',
  '/desk/seal-jobs',
  `/desk/seal-jobs/${JOB_ID}/files`,
  '/admin/trust-list',
])('a form with a file at %s, by nobody', async (path) => {
  const part = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.pdf"\r\ncontent-type: application/pdf\r\n\r\n';
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  expect(await answerToUnfinished('POST', path, headers, part)).toBe('not-signed-in');
});
