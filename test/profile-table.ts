/** `npm run profiles`: the certificate profiles as a Markdown table, from the data itself. */
import { PROFILES } from '#pki/profiles.ts';

const cell = (items: readonly (string | undefined)[]) => items.filter(Boolean).join('; ').replaceAll('|', '\\|');

console.log('| Profile | Issued by | Key usage | Suites | Longest life, days | More |\n|---|---|---|---|---|---|');
for (const profile of Object.values(PROFILES)) {
  const more = [
    profile.extendedKeyUsage ? `extended usage ${profile.extendedKeyUsage.join(' ')}` : undefined,
    profile.identifyCode ? 'identifyCode (hashed, encrypted or omitted)' : undefined,
    profile.organisationCode ? 'organizationCode' : undefined,
    profile.mandate ? 'mandate, whose end is its end' : undefined,
    profile.encryptionTwin ? `pair with ${profile.encryptionTwin}` : undefined,
    profile.archivedKey ? 'key made and kept by us' : undefined,
    profile.exportable ? 'PKCS#12 allowed' : undefined,
  ];
  const usage = [
    profile.keyUsage.join(' '),
    ...Object.entries(profile.keyUsageOf ?? {}).map(([suite, list]) => `${suite}: ${list.join(' ')}`),
  ];
  console.log(
    `| \`${profile.name}\` | ${profile.issuer} | ${cell(usage)} | ${profile.suites.join(' ')} | ${profile.maxDays} | ${cell(more)} |`,
  );
}
