import { webcrypto } from 'node:crypto';
import { expect, test } from 'vitest';
import { signMessage } from '#crypto/suite.ts';
import { finishHeldSignature, prepareHeldSignature } from '#documents/pdf/sign-with-held-key.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { handMadePdf } from '#test/fakes/sample-pdf.ts';
import { NOW, SIGNED_AT } from './sealed-pdf.ts';

const authority = new DocumentAuthority({ suite: 'es256' });
const citizen = authority.issue('person');
const pdf = handMadePdf();
const input = {
  certificates: [citizen.certificate.der, authority.root.certificate.der],
  suite: 'es256' as const,
  signedAt: SIGNED_AT,
  fieldName: 'citizen',
};

async function signLikeABrowser(toBeSigned: Uint8Array): Promise<Uint8Array> {
  const pkcs8 = new Uint8Array(citizen.key.key.export({ format: 'der', type: 'pkcs8' }));
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const key = await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
  return new Uint8Array(await webcrypto.subtle.sign({ ...algorithm, hash: 'SHA-256' }, key, Uint8Array.from(toBeSigned)));
}

test('a key in a browser signs a file in two steps, and the file verifies; a citizen’s is never official', async () => {
  const toBeSigned = await prepareHeldSignature(pdf, input);
  const signed = await finishHeldSignature(pdf, input, await signLikeABrowser(toBeSigned));
  const { report } = verifyPdf(signed, { anchors: [authority.root.certificate], officialAnchors: [authority.root.certificate], at: NOW });
  expect([report.verdict, report.official]).toEqual(['genuine', false]);
  expect(report.signatures[0]?.signer?.profile).toBe('person');
  const der = await finishHeldSignature(pdf, input, signMessage(citizen.key, toBeSigned));
  expect(verifyPdf(der, { anchors: [authority.root.certificate], at: NOW }).report.verdict).toBe('genuine');
});

test('preparing twice asks for the same bytes', async () => {
  expect(await prepareHeldSignature(pdf, input)).toEqual(await prepareHeldSignature(pdf, input));
});

test.each([
  ['another file', handMadePdf(['<</Type/Other>>']), input],
  ['another time', pdf, { ...input, signedAt: new Date(SIGNED_AT.getTime() + 1_000) }],
  ['another reason', pdf, { ...input, reason: '同意' }],
])('a signature goes with its own file and circumstances, not with %s', async (_what, file, other) => {
  const signature = await signLikeABrowser(await prepareHeldSignature(pdf, input));
  await expect(finishHeldSignature(file, other, signature)).rejects.toMatchObject({ code: 'held-signature-wrong' });
});

test('a signature by another key is refused', async () => {
  const toBeSigned = await prepareHeldSignature(pdf, input);
  const stranger = signMessage(authority.issue('person').key, toBeSigned);
  await expect(finishHeldSignature(pdf, input, stranger)).rejects.toMatchObject({ code: 'held-signature-wrong' });
});
