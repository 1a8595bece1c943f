/** Every reason code that the code can give has words in both languages. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeReason } from '#documents/reason-words.ts';

const FOLDERS = ['', 'ofd/', 'ses/', 'pdf/', 'container/', 'xml/'];
const ROOT = new URL('../../../src/documents/', import.meta.url);
/** Writing, signing and drawing end in Problems, and comparing revisions tells changes: neither gives reasons. */
const NOT_JUDGING = /^(write-|sign-pdf|reserve-field|seal-appearance|picture-of|png-image|compare-)/;
const VERDICT_WORDS = ['not-valid', 'untrusted-signer', 'partly-covered'];

/** Quoted codes in the calls that give reasons. */
function codesInSource(): Set<string> {
  const codes = new Set<string>();
  for (const folder of FOLDERS) {
    for (const file of readdirSync(new URL(folder, ROOT))) {
      if (!file.endsWith('.ts') || file.endsWith('reason-words.ts') || NOT_JUDGING.test(file)) continue;
      const source = readFileSync(new URL(folder + file, ROOT), 'utf8');
      const calls = [
        ...source.matchAll(/\b(?:note|fail|add|push|ZipError|XmlError|PdfError|worsen|broken|unreadable|refusedFile)\(([^;]*?)\)/gs),
      ];
      for (const [, argument, quoted] of [
        ...calls,
        ...source.matchAll(/(?:reasons: \[([^\]]*)\]|(?:fault|reason|return|malformed|unsupported):? ('[a-z-]+'))/g),
      ]) {
        for (const [, code = ''] of (argument ?? quoted ?? '').matchAll(/'([a-z0-9]+(?:-[a-z0-9]+)+)'/g)) codes.add(code);
      }
    }
  }
  for (const word of VERDICT_WORDS) codes.delete(word);
  return codes;
}

test('every code in the source has words', () => {
  const codes = codesInSource();
  expect(codes.size).toBeGreaterThan(100);
  expect([...codes].filter((code) => !describeReason(code))).toEqual([]);
});

test.each(['signer', 'maker', 'timestamp'])('what can be wrong with the chain of the %s has words', (role) => {
  for (const reason of ['chain-untrusted', 'expired', 'revoked', 'bad-signature', 'weak-algorithm', 'unsupported-constraint', 'not-a-ca']) {
    const words = describeReason(`${role}-${reason}`);
    expect(words?.zh).toMatch(/证书/);
    expect(words?.en).toMatch(/certificate/);
  }
});

test('a code of somebody else has none', () => {
  expect(describeReason('form-filled')).toBeUndefined();
});
