/** What a timestamp in a seal signature proves, and what it costs when it is wrong. */
import { expect, test } from 'vitest';
import { parseDer } from '#crypto/der.ts';
import { bitString, explicit, sequence } from '#crypto/encode-der.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { parseSesSignature } from '#documents/ses/read-signature.ts';
import { DocumentAuthority, type TestIdentity } from '#test/fakes/document-authority.ts';
import { repack, SealingTown, SIGNED_AT, unpack } from '#test/fakes/sample-ofd.ts';
import { timeStampToken } from '#test/fakes/time-stamp-token.ts';

const town = new SealingTown();
const tsa = town.authority.issue('timestamp');
const STAMPED_AT = new Date(SIGNED_AT.getTime() + 2000);
const VALUE = 'Doc_0/Signs/Sign_0/SignedValue.dat';

type Wrap = (token: Uint8Array) => Uint8Array;
const tagged: Wrap = (token) => explicit(0, bitString(token));

/** The sealed sample with a token over its signature value, or over something else. */
async function stamped(authority: TestIdentity = tsa, over?: Uint8Array, wrap = tagged): Promise<Uint8Array> {
  const ofd = await town.sealed();
  const value = unpack(ofd)[VALUE] ?? new Uint8Array();
  const token = await timeStampToken(authority, over ?? parseSesSignature(value).signature, STAMPED_AT);
  const parts = parseDer(value).children.map(({ bytes }) => bytes);
  return repack(ofd, { [VALUE]: sequence(...parts, wrap(token)) });
}

test.each<[string, Wrap, string[]]>([
  ['tagged as the standard has it', tagged, []],
  ['as an untagged BIT STRING', (token) => bitString(token), ['timestamp-encoding']],
  ['bare', (token) => token, ['timestamp-encoding']],
])('a token %s proves the time', async (_case, wrap, reasons) => {
  const { report } = verifyOfd(await stamped(tsa, undefined, wrap), town.options);
  expect(report).toMatchObject({ verdict: 'genuine', official: true });
  expect(report.signatures[0]).toMatchObject({
    time: { claimed: SIGNED_AT.toISOString(), proven: STAMPED_AT.toISOString() },
    reasons,
  });
});

test('sealing puts a token over the signature value into it, in the tagged form', async () => {
  const ofd = await town.sealed(undefined, { timestamp: (signature) => timeStampToken(tsa, signature, STAMPED_AT) });
  expect(parseSesSignature(unpack(ofd)[VALUE] ?? new Uint8Array())).toMatchObject({ version: 4, warnings: [] });
  const { report } = verifyOfd(ofd, town.options);
  expect(report).toMatchObject({ verdict: 'genuine', official: true, signatures: [{ time: { proven: STAMPED_AT.toISOString() } }] });
});

test('no token, no seal: a failing authority stops the sealing', async () => {
  const failing = town.sealed(undefined, { timestamp: () => Promise.reject(new Error('the clock is in doubt')) });
  await expect(failing).rejects.toThrow('the clock is in doubt');
});

test('after a proven time neither expiry nor revocation counts against the signer', async () => {
  const ofd = await stamped();
  const entry = { serialHex: town.signer.certificate.serialHex, revokedAt: new Date('2026-12-01T00:00:00Z') };
  const crl = town.authority.crl([entry], new Date('2026-12-02T00:00:00Z'), new Date('2030-12-09T00:00:00Z'));
  const { report } = verifyOfd(ofd, { ...town.options, at: new Date('2028-12-03T00:00:00Z'), crls: [crl] });
  expect(report.verdict).toBe('genuine');
  expect(report.signatures[0]?.reasons).toContain('signer-revoked-later');
  expect(report.signatures[0]?.reasons).not.toContain('time-not-proven');
});

test('a token over other data is not valid', async () => {
  const { report } = verifyOfd(await stamped(tsa, Buffer.from('other')), town.options);
  expect(report).toMatchObject({ verdict: 'not-valid', signatures: [{ reasons: ['timestamp-over-other-data'], time: { proven: null } }] });
});

test('a token of an authority nobody trusts leaves the file untrusted', async () => {
  const elsewhere = new DocumentAuthority({ name: '别处的根' }).issue('timestamp');
  const { report } = verifyOfd(await stamped(elsewhere), town.options);
  expect(report).toMatchObject({ verdict: 'untrusted-signer', signatures: [{ reasons: ['timestamp-chain-untrusted'] }] });
});

test('a certificate that is not for timestamps makes none', async () => {
  const { report } = verifyOfd(await stamped(town.signer), town.options);
  expect(report.verdict).toBe('not-valid');
  expect(report.signatures[0]?.reasons).toContain('timestamp-wrong-purpose');
});
