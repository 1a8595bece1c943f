import { describe, expect, test } from 'vitest';
import { handMadePdf } from '#test/fakes/sample-pdf.ts';
import { authority, check, NOW, seal, sealedOnce, sealer } from './sealed-pdf.ts';

const one = await sealedOnce();
const revoked = (revokedAt: Date) =>
  authority.crl(
    [{ serialHex: sealer.certificate.serialHex, revokedAt }],
    new Date('2026-11-21T03:30:00Z'),
    new Date('2026-12-21T00:00:00Z'),
  );

describe('time', () => {
  test('a claimed time excuses later expiry and says that it is not proven', () => {
    const report = check(one, { at: new Date('2030-01-01T00:00:00Z') });
    expect(report.verdict).toBe('genuine');
    expect(report.signatures[0]?.reasons).toContain('time-not-proven');
    expect(report.signatures[0]?.time).toEqual({ claimed: '2026-11-21T03:00:00.000Z', proven: null });
  });

  test('signed after expiry, before issue, or in the future is not valid', async () => {
    for (const signedAt of ['2031-01-01T00:00:00Z', '2019-01-01T00:00:00Z']) {
      const late = await seal(handMadePdf(), { signedAt: new Date(signedAt) });
      expect(check(late, { at: new Date('2032-01-01T00:00:00Z') }).verdict).toBe('not-valid');
    }
    expect(check(await seal(handMadePdf(), { signedAt: new Date('2026-11-21T04:10:00Z') })).verdict).toBe('not-valid');
  });

  test('a claimed time never excuses revocation', () => {
    const crls = [revoked(new Date('2026-11-21T03:20:00Z'))];
    expect(check(one, { crls }).verdict).toBe('not-valid');
    expect(check(one, { crls: [revoked(new Date('2026-11-21T02:00:00Z'))] }).signatures[0]?.reasons).toContain('signer-revoked');
  });

  test('unknown revocation is told, and refused only when asked', () => {
    expect(check(one).signatures[0]?.reasons).toContain('revocation-unknown');
    expect(check(one, { requireRevocation: true }).verdict).toBe('not-valid');
    const clean = authority.crl([], new Date('2026-11-21T03:30:00Z'), new Date('2026-12-21T00:00:00Z'));
    expect(check(one, { requireRevocation: true, crls: [clean], at: NOW }).verdict).toBe('genuine');
  });
});
