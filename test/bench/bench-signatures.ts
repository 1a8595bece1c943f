import { createSign, createVerify, sign, verify } from 'node:crypto';
import { generateKeyPair, importPrivateKey, importPublicKey, signMessage, verifyMessage } from '#crypto/suite.ts';
import { compare, type Row } from './measure.ts';

/** Our door to signatures against node:crypto itself, 1 KiB messages. */
export async function benchSignatures(): Promise<Row[]> {
  const message = Buffer.alloc(1024, 0x5a);
  const p256 = importPrivateKey(generateKeyPair('es256').pkcs8);
  const sm2 = importPrivateKey(generateKeyPair('sm2-sm3').pkcs8);
  const z = importPublicKey(sm2.publicKey.spki).z ?? new Uint8Array();
  const p256Signature = signMessage(p256, message);
  const sm2Signature = signMessage(sm2, message);
  return [
    await compare('SM2 sign', () => signMessage(sm2, message), {
      name: 'node:crypto createSign(sm3)',
      work: () => createSign('sm3').update(z).update(message).sign(sm2.key),
    }),
    await compare('SM2 verify', () => verifyMessage(sm2.publicKey, message, sm2Signature), {
      name: 'node:crypto createVerify(sm3)',
      work: () => createVerify('sm3').update(z).update(message).verify(sm2.publicKey.key, sm2Signature),
    }),
    await compare('P-256 sign', () => signMessage(p256, message), {
      name: 'node:crypto sign',
      work: () => sign('sha256', message, p256.key),
    }),
    await compare('P-256 verify', () => verifyMessage(p256.publicKey, message, p256Signature), {
      name: 'node:crypto verify',
      work: () => verify('sha256', message, p256.publicKey.key, p256Signature),
    }),
  ];
}
