/** Each step of judging a signature is reported, and the one that went wrong is the one that says so. */
import { describe, expect, test } from 'vitest';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { type SignatureStep, STEP_NAMES, type VerifyOptions } from '#documents/verdict.ts';
import { packFiles, repack, SealingTown, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';

const town = new SealingTown();
const PAGE = 'Doc_0/Pages/Page_0/Content.xml';
const VALUE = 'Doc_0/Signs/Sign_0/SignedValue.dat';
const stranger = new SealingTown();

function steps(ofd: Uint8Array, options: VerifyOptions = town.options): SignatureStep[] {
  const found = verifyOfd(ofd, options).report.signatures[0]?.steps ?? [];
  expect(found.map(({ step }) => step)).toEqual(STEP_NAMES);
  return found;
}
const withResult = (all: readonly SignatureStep[], result: SignatureStep['result']) =>
  all.filter((one) => one.result === result).map(({ step }) => step);

test('a sealed file without a timestamp passes every step but that one', async () => {
  const found = steps(await town.sealed());
  expect(withResult(found, 'not-checked')).toEqual(['timestamp']);
  expect(withResult(found, 'failed')).toEqual([]);
});

test('without a list of revoked certificates, revocation is not called checked', async () => {
  const found = steps(await town.sealed(), { ...town.options, crls: [] });
  expect(found.find(({ step }) => step === 'revocation')).toEqual({
    step: 'revocation',
    result: 'not-checked',
    reasons: ['revocation-unknown'],
  });
});

describe('the fault is found by the step that looks for it', () => {
  const late = { ...town.options, at: new Date('2029-01-01T00:00:00Z'), crls: [] };
  test.each<[string, () => Promise<Uint8Array>, string[], VerifyOptions?]>([
    ['a page changed', async () => repack(await town.sealed(), { [PAGE]: '<Page/>' }), ['references']],
    ['a page missing', async () => repack(await town.sealed(), { [PAGE]: undefined }), ['references']],
    ['the description changed', async () => changedDescription(await town.sealed()), ['signature-value']],
    ['the value is no signature', async () => repack(await town.sealed(), { [VALUE]: 'nothing' }), ['signature-value']],
    ['no value', async () => repack(await town.sealed(), { [VALUE]: undefined }), ['container']],
    ['something shown was added', async () => repack(await town.sealed(), { 'Doc_0/RES/image.png': 'other' }), ['coverage']],
    [
      'a seal that another maker forged',
      async () => town.sealed(undefined, { seal: await town.seal({ sign: stranger.maker.sign }) }),
      ['maker-signature'],
    ],
    [
      'a seal that had expired',
      async () => town.sealed(undefined, { seal: await town.seal({ validTo: new Date('2026-06-01T00:00:00Z') }) }),
      ['validity'],
    ],
    ['nobody we trust', async () => town.sealed(), ['chain'], stranger.options],
    ['signed in the future', async () => town.sealed(), ['validity'], { ...town.options, at: new Date('2026-11-19T08:00:00Z'), crls: [] }],
    ['asked long afterwards', async () => town.sealed(), [], late],
  ])('%s', async (_case, make, failed, options) => {
    const found = withResult(steps(await make(), options), 'failed');
    if (failed.length === 0) expect(found).not.toContain('references');
    else expect(found).toEqual(failed);
  });

  test('a revoked signer', async () => {
    const crl = town.authority.crl(
      [{ serialHex: town.signer.certificate.serialHex, revokedAt: new Date('2026-11-20T00:00:00Z') }],
      new Date('2026-11-21T00:00:00Z'),
      new Date('2026-11-28T00:00:00Z'),
    );
    expect(withResult(steps(await town.sealed(), { ...town.options, crls: [crl] }), 'failed')).toEqual(['revocation']);
  });
});

test('what could not be reached is not called passed', async () => {
  const found = steps(repack(await town.sealed(packFiles(sampleFiles())), { [VALUE]: Buffer.alloc(64, 1) }));
  expect(withResult(found, 'passed')).not.toContain('chain');
  expect(found.find(({ step }) => step === 'signature-value')).toMatchObject({ result: 'not-checked', reasons: ['no-certificate'] });
});

function changedDescription(ofd: Uint8Array): Uint8Array {
  const entry = 'Doc_0/Signs/Sign_0/Signature.xml';
  const text = verifyOfd(ofd, town.options).report.verdict === 'genuine' ? readText(ofd, entry) : '';
  return repack(ofd, { [entry]: text.replace('Company="Tongren"', 'Company="Another"') });
}

function readText(ofd: Uint8Array, entry: string): string {
  return Buffer.from(unpack(ofd)[entry] ?? []).toString();
}
