import { randomBytes } from 'node:crypto';
import { decode } from 'cbor2';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assembleCode, codeToBeSigned, parseCode, protectedHeader } from '#codes/code-envelope.ts';
import { type CodeContent, MalformedCodeError } from '#codes/code-types.ts';
import { bytesFromDecimal, decimalFromBytes, MAX_CODE_BYTES } from '#codes/decimal-text.ts';
import { qrModules, qrSvg } from '#codes/qr-code.ts';
import { encodeSigStructure, parseSign1, verifySign1 } from '#crypto/cose.ts';
import { generateKeyPair, importPrivateKey, signMessage, verifyMessage } from '#crypto/suite.ts';

const pairs = { es256: importPrivateKey(generateKeyPair('es256').pkcs8), 'sm2-sm3': importPrivateKey(generateKeyPair('sm2-sm3').pkcs8) };
type CodeSuite = keyof typeof pairs;

const plain: CodeContent = {
  codeType: 'licence',
  codeId: randomBytes(16),
  issuedAtSeconds: 1_780_000_000,
  expiresAtSeconds: 1_780_000_060,
  licenceTypeNumber: 1,
  statusIndex: 71_234,
};

function makeCode(suite: CodeSuite, kid: number, content: CodeContent): Uint8Array {
  const header = protectedHeader(suite, kid);
  const toBeSigned = codeToBeSigned(header, content);
  return assembleCode(header, toBeSigned, signMessage(pairs[suite], toBeSigned));
}

describe.each(['es256', 'sm2-sm3'] as const)('a code signed in %s', (suite) => {
  test('comes back as it was written, and its signature verifies', () => {
    const code = parseCode(bytesFromDecimal(decimalFromBytes(makeCode(suite, 7, plain))));
    expect(code).toMatchObject({ ...plain, codeId: Uint8Array.from(plain.codeId), kid: 7, suite });
    expect(verifyMessage(pairs[suite].publicKey, code.toBeSigned, code.signature)).toBe(true);
  });

  test('is COSE_Sign1 over a CWT for a general reader too', () => {
    const bytes = makeCode(suite, 300, plain);
    const sign1 = parseSign1(bytes);
    expect(verifySign1(sign1, pairs[suite].publicKey)).toBe(true);
    expect(Buffer.from(sign1.kid ?? []).readUInt16BE()).toBe(300);
    const claims = decode(sign1.payload) as Map<number, unknown>;
    const byLabel = claims instanceof Map ? claims : new Map(Object.entries(claims).map(([label, value]) => [Number(label), value]));
    expect(byLabel.get(6)).toBe(plain.issuedAtSeconds);
    expect(byLabel.get(4)).toBe(plain.expiresAtSeconds);
    expect(Buffer.from(byLabel.get(7) as Uint8Array)).toEqual(plain.codeId);
    expect(Buffer.from(codeToBeSigned(protectedHeader(suite, 300), plain))).toEqual(
      Buffer.from(encodeSigStructure(sign1.protectedBytes, sign1.payload)),
    );
  });
});

describe('the size of a code', () => {
  test('is 115 bytes, 277 digits, QR version 7-M with one ES256 signature', () => {
    const bytes = makeCode('es256', 255, plain);
    expect(bytes.length).toBe(115);
    const digits = decimalFromBytes(bytes);
    expect(digits.length).toBe(277);
    expect(qrModules(digits).version).toBe(7);
  });

  test.each([
    ['es256', 'licence', 1],
    ['es256', 'named-licence', 65_535],
    ['sm2-sm3', 'licence', 65_535],
    ['sm2-sm3', 'named-licence', 65_535],
  ] as const)('never needs a symbol above version 8-M: %s, %s, key %i, largest index', (suite, codeType, kid) => {
    const content = {
      ...plain,
      codeType,
      statusIndex: 0xffff_ffff,
      ...(codeType === 'named-licence' ? { maskedName: '买买提*江明' } : {}),
    };
    const bytes = makeCode(suite, kid, content);
    expect(bytes.length).toBeLessThanOrEqual(MAX_CODE_BYTES);
    expect(qrModules(decimalFromBytes(bytes)).version).toBeLessThanOrEqual(8);
    expect(parseCode(bytes)).toMatchObject({ statusIndex: 0xffff_ffff, kid });
  });

  test('a name of more than 16 bytes does not go in', () => {
    expect(() => makeCode('es256', 1, { ...plain, codeType: 'named-licence', maskedName: '阿卜杜拉*吐尔' })).toThrow(RangeError);
  });
});

describe('the decimal text', () => {
  test('holds any bytes without a leading zero, exactly one text for each', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 147 }), (bytes) => {
        fc.pre(bytes[0] !== 0);
        const digits = decimalFromBytes(bytes);
        expect(digits).toMatch(/^[1-9][0-9]*$/);
        expect(Buffer.from(bytesFromDecimal(digits))).toEqual(Buffer.from(bytes));
      }),
      { seed: 20_261_121 },
    );
  });

  test.each(['', '0', '0123', '12a', '-1', '1e5', '0x10', ' 1'])('"%s" is refused', (text) => {
    expect(() => bytesFromDecimal(text)).toThrow(MalformedCodeError);
  });

  test('147 bytes of COSE need 354 digits; 356 digits are refused before they are computed', () => {
    expect(decimalFromBytes(Buffer.concat([Buffer.of(0x84), new Uint8Array(146).fill(255)])).length).toBe(354);
    expect(() => bytesFromDecimal('9'.repeat(356))).toThrow(MalformedCodeError);
    expect(() => bytesFromDecimal('9'.repeat(355))).toThrow(MalformedCodeError);
  });
});

test('no changed code is read as the same code with a good signature', () => {
  const bytes = makeCode('es256', 7, { ...plain, codeType: 'named-licence', maskedName: '*小明' });
  let read = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      const code = parseCode(changed);
      read++;
      expect(verifyMessage(pairs.es256.publicKey, code.toBeSigned, code.signature)).toBe(false);
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedCodeError);
    }
  }
  expect(read).toBeGreaterThan(500);
});

test('random bytes and cut codes are malformed, never a crash', () => {
  const bytes = makeCode('es256', 7, plain);
  for (let length = 0; length < bytes.length; length++) expect(() => parseCode(bytes.subarray(0, length))).toThrow(MalformedCodeError);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 150 }), (noise) => {
      expect(() => parseCode(noise)).toThrow(MalformedCodeError);
    }),
    { seed: 20_261_121, numRuns: 2_000 },
  );
});

test('the SVG symbol has the quiet zone and as many dark modules as the matrix', () => {
  const digits = decimalFromBytes(makeCode('es256', 1, plain));
  const { size, modules } = qrModules(digits);
  const svg = qrSvg(digits);
  expect(svg).toContain(`viewBox="0 0 ${size + 8} ${size + 8}"`);
  const drawn = [...svg.matchAll(/h(\d+)v1h-/g)].reduce((sum, [, run]) => sum + Number(run), 0);
  expect(drawn).toBe(modules.reduce((sum, module) => sum + module, 0));
});
