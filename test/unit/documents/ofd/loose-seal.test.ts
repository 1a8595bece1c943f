/** A seal beside a GB/T 35275 value is drawn by some readers, so it is judged like one that was signed. */
import { expect, test } from 'vitest';
import { encodeSignedData } from '#crypto/cms.ts';
import { digest } from '#crypto/suite.ts';
import { addSignature } from '#documents/ofd/add-signature.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import type { TestIdentity } from '#test/fakes/document-authority.ts';
import { PROVIDER, packFiles, SealingTown, SIGNED_AT, sampleFiles } from '#test/fakes/sample-ofd.ts';

const town = new SealingTown();

async function signedWithSealBeside(seal: Uint8Array, signer: TestIdentity): Promise<Uint8Array> {
  return addSignature(packFiles(sampleFiles()), {
    type: 'Sign',
    seal,
    signedAt: SIGNED_AT,
    stamps: [{ pageIndex: 0, xMm: 10, yMm: 10, widthMm: 42, heightMm: 42 }],
    provider: PROVIDER,
    lock: true,
    makeValue: async (description) => {
      const content = digest('sm3', description);
      const certificates = [signer.certificate.der];
      return encodeSignedData({ form: 'gm', suite: 'sm2-sm3', certificates, content, signature: await signer.sign(content) });
    },
  });
}

test('the seal of its own signer is genuine', async () => {
  const { report } = verifyOfd(await signedWithSealBeside(await town.seal(), town.signer), town.options);
  expect(report).toMatchObject({ verdict: 'genuine', official: true, signatures: [{ form: 'gbt35275', reasons: ['seal-outside-value'] }] });
});

test('nobody can put the seal of another on a page', async () => {
  const citizen = town.authority.issue('person', { commonName: '张三' });
  const { report } = verifyOfd(await signedWithSealBeside(await town.seal(), citizen), town.options);
  expect(report).toMatchObject({ verdict: 'not-valid', official: false });
  expect(report.signatures[0]?.reasons).toContain('signer-not-in-seal');
});

test('nor a seal he made himself', async () => {
  const citizen = town.authority.issue('person', { commonName: '张三' });
  const seal = await town.seal({ signerCertificates: [citizen.certificate.der] }, citizen);
  const { report } = verifyOfd(await signedWithSealBeside(seal, citizen), town.options);
  expect(report).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: expect.arrayContaining(['maker-wrong-profile']) }] });
});

test('bytes that are no seal are malformed', async () => {
  const { report } = verifyOfd(await signedWithSealBeside(Buffer.from('a picture'), town.signer), town.options);
  expect(report).toMatchObject({ verdict: 'malformed', signatures: [{ reasons: expect.arrayContaining(['seal-unreadable']) }] });
});
