/**
 * Signing a PDF with a key that its holder keeps, for example in a browser: first the bytes to be signed go to the holder, then the
 * signature comes back. Both steps are the same signing, which makes the same bytes from the same input; nothing is kept between.
 */
import { derFromRawSignature } from '#crypto/suite.ts';
import { verifySignature } from '#crypto/verify-signature.ts';
import { parseCertificate } from '#pki/certificate.ts';
import { Problem } from '#problem.ts';
import { type SignPdfInput, signPdf } from './sign-pdf.ts';

/** Level B-B: tokens and revocation data change from call to call; `extendPdf` adds them to the finished file. */
export type HeldKeySigning = Omit<SignPdfInput, 'sign' | 'timestamp' | 'validationData' | 'archive' | 'suite'> & {
  suite: 'es256' | 'sm2-sm3';
};

const RAW_OCTETS = 64;

class Prepared extends Error {
  readonly toBeSigned: Uint8Array;

  constructor(toBeSigned: Uint8Array) {
    super('prepared');
    this.toBeSigned = toBeSigned;
  }
}

/** DER of the signed attributes: what the holder signs, in the suite of the certificate. Throws as `signPdf`. */
export async function prepareHeldSignature(pdf: Uint8Array, input: HeldKeySigning): Promise<Uint8Array> {
  try {
    await signPdf(pdf, { ...input, sign: (toBeSigned) => Promise.reject(new Prepared(toBeSigned)) });
  } catch (error) {
    if (error instanceof Prepared) return error.toBeSigned;
    throw error;
  }
  throw new Error('signing did not ask for a signature');
}

/**
 * The signed file. `pdf` and `input` as they were for preparing, to the millisecond and byte.
 * @param signature DER, or raw r‖s of 64 octets as WebCrypto makes it.
 * Throws Problem `held-signature-wrong` when it is not the certificate's key that signed, or not these bytes.
 */
export async function finishHeldSignature(pdf: Uint8Array, input: HeldKeySigning, signature: Uint8Array): Promise<Uint8Array> {
  const der = signature.length === RAW_OCTETS ? derFromRawSignature(signature) : signature;
  const [leaf] = input.certificates;
  if (!leaf) throw new Error('signing without a certificate');
  const key = parseCertificate(leaf).publicKey();
  const algorithm =
    input.suite === 'sm2-sm3' ? ({ scheme: 'sm2', digest: 'sm3' } as const) : ({ scheme: 'ecdsa', digest: 'sha256' } as const);
  return signPdf(pdf, {
    ...input,
    sign: async (toBeSigned) => {
      if (!verifySignature(key, algorithm, toBeSigned, der)) throw new Problem('held-signature-wrong');
      return der;
    },
  });
}
