/** Our codes, lists and receipts before other people's programs: OpenSSL, zbar, zxing, jose and cbor2. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decode, Tag } from 'cbor2';
import { importJWK, jwtVerify } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import { assembleCode, codeToBeSigned, parseCode, protectedHeader } from '#codes/code-envelope.ts';
import { jwkOf } from '#codes/code-keys.ts';
import { bytesFromDecimal, decimalFromBytes } from '#codes/decimal-text.ts';
import { signJws } from '#codes/jws.ts';
import { qrPng } from '#codes/qr-code.ts';
import { signStatusList } from '#codes/status-list-token.ts';
import { generateKeyPair, importPrivateKey, importPublicKey, signMessage } from '#crypto/suite.ts';
import { toPem } from '#pki/pem.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'tongren-codes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// Outside a browser there is nowhere to fetch the module from.
const wasm = readFileSync(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'));
prepareZXingModule({ overrides: { wasmBinary: Uint8Array.from(wasm).buffer } });

const suites = ['es256', 'sm2-sm3'] as const;
const pairs = { es256: importPrivateKey(generateKeyPair('es256').pkcs8), 'sm2-sm3': importPrivateKey(generateKeyPair('sm2-sm3').pkcs8) };

function makeCode(suite: (typeof suites)[number], named: boolean): Uint8Array {
  const header = protectedHeader(suite, 7);
  const toBeSigned = codeToBeSigned(header, {
    codeType: named ? 'named-licence' : 'licence',
    codeId: crypto.getRandomValues(new Uint8Array(16)),
    issuedAtSeconds: 1_780_000_000,
    expiresAtSeconds: 1_780_000_060,
    licenceTypeNumber: 1,
    statusIndex: 99_999,
    ...(named ? { maskedName: '阿*****提' } : {}),
  });
  return assembleCode(header, toBeSigned, signMessage(pairs[suite], toBeSigned));
}

function openssl(...parameters: string[]): string {
  const run = spawnSync('openssl', parameters, { encoding: 'utf8' });
  return run.stdout + run.stderr;
}

describe.each(suites)('a code in %s', (suite) => {
  test('is verified by OpenSSL, and refused after one bit has changed', () => {
    const code = parseCode(makeCode(suite, false));
    const [key, message, signature] = ['key.pem', 'message', 'signature'].map((name) => join(folder, `${suite}-${name}`)) as [
      string,
      string,
      string,
    ];
    writeFileSync(key, toPem('PUBLIC KEY', pairs[suite].publicKey.spki));
    writeFileSync(signature, code.signature);
    const judge = (bytes: Uint8Array) => {
      writeFileSync(message, bytes);
      return suite === 'es256'
        ? openssl('dgst', '-sha256', '-verify', key, '-signature', signature, message)
        : openssl(
            'pkeyutl',
            '-verify',
            '-rawin',
            '-digest',
            'sm3',
            '-pkeyopt',
            'distid:1234567812345678',
            '-pubin',
            '-inkey',
            key,
            '-sigfile',
            signature,
            '-in',
            message,
          );
    };
    expect(judge(code.toBeSigned)).toMatch(/Verified OK|Signature Verified Successfully/);
    const changed = Uint8Array.from(code.toBeSigned);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    expect(judge(changed)).toMatch(/Verification failure|Signature Verification Failure/i);
  });

  test('is plain CBOR for cbor2: four elements, headers, claims', () => {
    const [header, unprotected, payload, signature] = decode(makeCode(suite, true)) as [Uint8Array, object, Uint8Array, Uint8Array];
    expect(Object.keys(unprotected)).toHaveLength(0);
    expect(signature).toHaveLength(64);
    const headers = decode(header) as Map<number, unknown>;
    expect(headers.get(1)).toBe(suite === 'es256' ? -7 : -65_537);
    expect([...(headers.get(4) as Uint8Array)]).toEqual([7]);
    expect([...(decode(payload) as Map<number, unknown>).keys()]).toEqual([4, 6, 7, 9]);
    expect(decode(Uint8Array.from([0xd2, ...makeCode(suite, true)]))).toBeInstanceOf(Tag);
  });

  test.each([true, false])('is read from its picture by zbar and zxing, digit for digit (with name: %s)', async (named) => {
    const bytes = makeCode(suite, named);
    const digits = decimalFromBytes(bytes);
    const png = await qrPng(digits, { scale: 4 });
    const file = join(folder, `${suite}-${named}.png`);
    writeFileSync(file, png);
    const zbar = spawnSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' });
    expect(zbar.stdout.trim()).toBe(digits);
    const [zxing] = await readBarcodes(Uint8Array.from(png), { formats: ['QRCode'] });
    expect(zxing?.text).toBe(digits);
    expect(Number(zxing?.version)).toBeLessThanOrEqual(8);
    expect(Buffer.from(bytesFromDecimal(zxing?.text ?? ''))).toEqual(Buffer.from(bytes));
  });
});

describe('the JWTs', () => {
  const store = memoryKeyStore();

  test('a status list verifies with jose and its published JWK', async () => {
    const stored = await store.create('status-list-p256', 'es256', ['status-list']);
    const issuedAt = new Date('2026-06-01T08:00:00Z');
    const token = await signStatusList(
      store,
      { name: stored.name, suite: 'es256', purpose: 'status-list' },
      {
        uri: 'https://id.example/api/codes/status-list',
        issuedAt,
        expiresAt: new Date(issuedAt.getTime() + 86_400_000),
        ttlSeconds: 60,
        size: 131_072,
        entries: [{ index: 5, value: 1 }],
      },
    );
    const jwk = jwkOf({ kid: stored.name, purpose: 'status-list', publicKey: importPublicKey(stored.spki), validFrom: new Date(0) });
    const { payload, protectedHeader: header } = await jwtVerify(token, await importJWK({ ...jwk }, 'ES256'), {
      typ: 'statuslist+jwt',
      subject: 'https://id.example/api/codes/status-list',
      currentDate: issuedAt,
    });
    expect(header).toMatchObject({ alg: 'ES256', kid: 'status-list-p256' });
    expect(payload).toMatchObject({ ttl: 60, status_list: { bits: 2 } });
  });

  test('a receipt too', async () => {
    const stored = await store.create('receipt-p256', 'es256', ['receipt']);
    const token = await signJws(store, { name: stored.name, suite: 'es256', purpose: 'receipt' }, 'tongren-receipt+jwt', {
      verdict: 'valid',
    });
    const jwk = jwkOf({ kid: stored.name, purpose: 'receipt', publicKey: importPublicKey(stored.spki), validFrom: new Date(0) });
    const { payload } = await jwtVerify(token, await importJWK({ ...jwk }, 'ES256'), { typ: 'tongren-receipt+jwt' });
    expect(payload).toEqual({ verdict: 'valid' });
  });
});
