/** A PDF sealed to B-LTA with nothing but our own authorities, against a real store. */
import { expect, test } from 'vitest';
import { currentCrls, trustedCertificates } from '#certificates/find-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { issueCertificate } from '#certificates/issue-certificate.ts';
import { requestTimestamp } from '#certificates/issue-timestamp.ts';
import { ownValidationData } from '#certificates/own-validation-data.ts';
import { revokeCertificate } from '#certificates/revoke-certificate.ts';
import { importPublicKey } from '#crypto/suite.ts';
import type { RequestTimestamp } from '#documents/pdf/request-timestamp.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyPdf } from '#documents/pdf/verify-pdf.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { handMadePdf } from '#test/fakes/sample-pdf.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

const { db } = await testDatabase();
const clock = testClock();
const keys = memoryKeyStore();
const deps = { db, clock, keys, publicOrigin: 'https://id.example.cn', otherTime: async () => clock.now() };
await initialiseAuthorities(deps);

async function sealed(suite: 'es256' | 'sm2-sm3') {
  const key = await keys.create(`seal-${suite}`, suite, ['cms-attributes']);
  const { certificate, chain } = await issueCertificate(deps, {
    profile: 'document-signer',
    suite,
    subject: { commonName: '通州市公安局', organisation: '通州市公安局', uscc: '11110000MB0327169M' },
    spki: key.spki,
    days: 300,
    by: 'system:test',
  });
  const timestamp: RequestTimestamp = (imprint, digest) => requestTimestamp(deps, { imprint, digest, suite });
  const pdf = await signPdf(handMadePdf(), {
    certificates: chain.map(({ der }) => der),
    suite,
    signedAt: clock.now(),
    fieldName: 'Seal',
    certification: 1,
    sign: (bytes) => keys.sign(key.name, 'cms-attributes', bytes),
    timestamp,
    validationData: ownValidationData(deps),
    archive: true,
  });
  expect(importPublicKey(certificate.spki).suite).toBe(suite);
  return { pdf, certificate };
}

test.each(['es256', 'sm2-sm3'] as const)(
  '%s: sealed, archived, and provable without asking anybody, also after revocation',
  async (suite) => {
    const { pdf, certificate } = await sealed(suite);
    const anchors = (await trustedCertificates(deps)).roots;
    const at = new Date(clock.now().getTime() + 1_000);
    const { report } = verifyPdf(pdf, { anchors, at, officialAnchors: anchors });
    expect(report).toMatchObject({ verdict: 'genuine', official: true });
    expect(report.signatures.map(({ indication }) => indication)).toEqual([
      'TOTAL-PASSED',
      // Revocation data of the newest timestamp’s own chain comes with the next renewal; the lists in the file tell already.
      'TOTAL-PASSED',
    ]);
    clock.advance(60_000);
    await revokeCertificate(deps, { serialHex: certificate.serialHex, reason: 'superseded', by: 'system:test' });
    const crls = await currentCrls(deps);
    const later = verifyPdf(pdf, { anchors, crls, at: new Date(clock.now().getTime() + 1_000) }).report;
    expect(later.signatures[0]).toMatchObject({ verdict: 'genuine', indication: 'TOTAL-PASSED' });
  },
);

test('a stranger’s chain is none of ours', async () => {
  const stranger = new DocumentAuthority({ suite: 'es256' }).issue('document-signer');
  const chain = { role: 'signer' as const, certificates: [stranger.certificate.der], at: clock.now() };
  await expect(ownValidationData(deps)(chain)).rejects.toMatchObject({ code: 'validation-data-missing' });
});
