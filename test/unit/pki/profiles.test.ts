import { expect, test } from 'vitest';
import { type CertificateProfile, PROFILES } from '#pki/profiles.ts';

/** What every certificate has alike, or what another field already gives the reason for. */
const PLAIN: readonly (keyof CertificateProfile)[] = [
  'name',
  'ca',
  'because',
  'issuer',
  'suites',
  'policy',
  'requiredSubject',
  'maxDays',
  'keyUsage',
];

test.each(Object.values(PROFILES))('each choice of the profile $name beyond the common ones has its reason', (profile) => {
  const choices = (Object.keys(profile) as (keyof CertificateProfile)[]).filter((field) => !PLAIN.includes(field));
  const unexplained = choices.filter((field) => !profile.because[field]);
  expect(unexplained).toEqual([]);
});

test('an encryption twin is archived, signs nothing, lives no longer than its signing twin, and nothing signing is archived', () => {
  for (const profile of Object.values(PROFILES)) {
    if (profile.archivedKey) expect(profile.keyUsage).toEqual(['key-agreement']);
    if (!profile.encryptionTwin) continue;
    const twin = PROFILES[profile.encryptionTwin];
    expect(twin.archivedKey).toBe(true);
    expect(twin.maxDays).toBe(profile.maxDays);
    expect(twin.suites).toEqual(profile.suites);
    expect(twin.requiredSubject).toEqual(profile.requiredSubject);
  }
});

test('no key that signs binding statements may be made by us', () => {
  const exportable = Object.values(PROFILES).filter((profile) => profile.exportable);
  expect(exportable.map(({ name }) => name).sort()).toEqual(['device', 'service-client', 'web-server']);
  for (const { keyUsage } of exportable) expect(keyUsage).not.toContain('non-repudiation');
});
