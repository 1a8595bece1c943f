import { assembleCode, codeToBeSigned, protectedHeader } from '#codes/code-envelope.ts';
import { jwkOf } from '#codes/code-keys.ts';
import { decimalFromBytes } from '#codes/decimal-text.ts';
import { generateKeyPair, importPrivateKey, signMessage } from '#crypto/suite.ts';

const ISSUED = Date.parse('2026-06-01T08:00:00Z') / 1000;

/** A good code with the keys that verify it, and a moment at which it is fresh. */
export function mintedForFuzz(): { bytes: Uint8Array; digits: string; keys: string; at: Date } {
  const key = importPrivateKey(generateKeyPair('es256').pkcs8);
  const header = protectedHeader('es256', 1);
  const toBeSigned = codeToBeSigned(header, {
    codeType: 'licence',
    codeId: new Uint8Array(16).fill(7),
    issuedAtSeconds: ISSUED,
    expiresAtSeconds: ISSUED + 60,
    licenceTypeNumber: 1,
    statusIndex: 42,
  });
  const bytes = assembleCode(header, toBeSigned, signMessage(key, toBeSigned));
  const keys = JSON.stringify({
    issuer: 'https://id.example',
    asOf: '2026-06-01T00:00:00.000Z',
    keys: [jwkOf({ kid: '1', purpose: 'code', publicKey: key.publicKey, validFrom: new Date('2026-01-01T00:00:00Z') })],
    licenceTypes: [{ number: 1, code: '11100000MB0143028R001', name: '营业执照', nameEn: 'Business licence', maxStatusAgeSeconds: 86_400 }],
  });
  return { bytes, digits: decimalFromBytes(bytes), keys, at: new Date((ISSUED + 5) * 1000) };
}
