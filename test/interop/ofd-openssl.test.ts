/** OpenSSL, unzip and Python agree with what we seal: archive, digests, the signer's and the seal maker's SM2 values. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseSesSignature } from '#documents/ses/read-signature.ts';
import { toPem } from '#pki/pem.ts';
import { SealingTown, unpack } from '#test/fakes/sample-ofd.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-ofd-'));
const town = new SealingTown();
let files: Record<string, Uint8Array>;

beforeAll(async () => {
  const sealed = await town.sealed(undefined, { lock: true });
  writeFileSync(join(folder, 'sealed.ofd'), sealed);
  files = unpack(sealed);
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (command: string, ...args: string[]) => {
  const { stdout, stderr, status } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  return { stdout, stderr, status };
};

function verifyWithOpenSsl(spki: Uint8Array, message: Uint8Array, signature: Uint8Array): string {
  writeFileSync(join(folder, 'key.pem'), toPem('PUBLIC KEY', spki));
  writeFileSync(join(folder, 'message'), message);
  writeFileSync(join(folder, 'signature'), signature);
  const identity = ['-rawin', '-digest', 'sm3', '-pkeyopt', 'distid:1234567812345678'];
  const args = ['pkeyutl', '-verify', '-pubin', '-inkey', 'key.pem', '-in', 'message', '-sigfile', 'signature', ...identity];
  return run('openssl', ...args).stdout.trim();
}

test('unzip and Python find no fault in the archive', () => {
  expect(run('unzip', '-t', 'sealed.ofd').stdout).toContain('No errors detected');
  expect(run('python3', '-m', 'zipfile', '-t', 'sealed.ofd').stdout).toContain('Done testing');
});

test('each digest in Signature.xml is what OpenSSL computes', () => {
  const description = Buffer.from(files['Doc_0/Signs/Sign_0/Signature.xml'] ?? '').toString('utf8');
  const references = [...description.matchAll(/FileRef="\/([^"]+)"><ofd:CheckValue>([^<]+)</g)];
  expect(references.length).toBeGreaterThan(9);
  for (const [, name = '', value = ''] of references) {
    writeFileSync(join(folder, 'part'), files[name] ?? '');
    expect(run('openssl', 'dgst', '-sm3', '-r', 'part').stdout.split(' ')[0]).toBe(Buffer.from(value, 'base64').toString('hex'));
  }
});

describe('the SM2 values', () => {
  test('of the signer over toSign and of the maker over eSealInfo', () => {
    const value = parseSesSignature(files['Doc_0/Signs/Sign_0/SignedValue.dat'] ?? new Uint8Array());
    const { seal } = value.toSign;
    expect(verifyWithOpenSsl(town.signer.certificate.spki, value.toSign.der, value.signature)).toBe('Signature Verified Successfully');
    expect(verifyWithOpenSsl(town.maker.certificate.spki, seal.toBeSigned, seal.signature)).toBe('Signature Verified Successfully');
    const other = Uint8Array.from(value.toSign.der).fill(0x31, 0, 1);
    expect(verifyWithOpenSsl(town.signer.certificate.spki, other, value.signature)).toBe('Signature Verification Failure');
  });
});

test('OpenSSL reads the value as the structure of the standard', () => {
  writeFileSync(join(folder, 'value.dat'), files['Doc_0/Signs/Sign_0/SignedValue.dat'] ?? '');
  const { stdout } = run('openssl', 'asn1parse', '-inform', 'DER', '-in', 'value.dat');
  expect(stdout).toMatch(/GENERALIZEDTIME +:20261120080000Z/);
  expect(stdout).toContain('IA5STRING         :/Doc_0/Signs/Sign_0/Signature.xml');
  expect(readFileSync(join(folder, 'value.dat')).length).toBeGreaterThan(1000);
});
