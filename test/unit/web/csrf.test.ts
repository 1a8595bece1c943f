import { describe, expect, test } from 'vitest';
import { csrfToken, isSameToken } from '#web/csrf.ts';
import { contentSecurityPolicy } from '#web/security-headers.ts';
import { isReturnPath } from '#web/session.ts';
import { safeName } from '#web/verification/receive-file.ts';

describe('tokens against forged requests', () => {
  test('belong to one browser and one session', () => {
    const token = csrfToken('seed', 'session');
    expect(token).toBe(csrfToken('seed', 'session'));
    expect(token).not.toBe(csrfToken('seed', 'another session'));
    expect(token).not.toBe(csrfToken('another seed', 'session'));
    expect(token).not.toBe(csrfToken('seed', undefined));
  });

  test.each([[undefined], [null], [42], [''], ['abd'], ['abcd'], [['abc']]])('%j is not the token abc', (given) => {
    expect(isSameToken('abc', given)).toBe(false);
  });

  test('the token itself is', () => {
    expect(isSameToken('abc', 'abc')).toBe(true);
  });
});

describe('paths to return to', () => {
  test.each(['/', '/my', '/my/licences/1?x=2#y', '/oidc/auth?client_id=a'])('%s is on this site', (path) => {
    expect(isReturnPath(path)).toBe(true);
  });

  test.each([
    '',
    'my',
    '//evil.example',
    '/\\evil.example',
    '/a\\b',
    'https://evil.example',
    '/a b',
    '/a\nb',
    '/a\tb',
    undefined,
    ['/my'],
    `/${'x'.repeat(600)}`,
  ])('%j is refused', (path) => {
    expect(isReturnPath(path)).toBe(false);
  });
});

test('WebAssembly is allowed only where a page asks for it, other origins for forms only where named', () => {
  expect(contentSecurityPolicy()).not.toContain('wasm');
  expect(contentSecurityPolicy({ wasm: true })).toContain("script-src 'self' 'wasm-unsafe-eval'");
  expect(contentSecurityPolicy({ formAction: ['https://app.example'] })).toContain("form-action 'self' https://app.example;");
  for (const policy of [contentSecurityPolicy(), contentSecurityPolicy({ wasm: true })]) expect(policy).not.toContain('unsafe-inline');
});

test.each([
  ['C:\\Users\\a\\licence.ofd', 'licence.ofd'],
  ['../../etc/passwd', 'passwd'],
  ['a\u202efdp.exe', 'afdp.exe'],
  ['', '文件'],
  [undefined, '文件'],
])('the uploaded name %j is shown as %s', (given, shown) => {
  expect(safeName(given)).toBe(shown);
});
