/**
 * The same chance-made chains before OpenSSL and before us: sound ones, and ones broken in each way that RFC 5280 §6 speaks of.
 * P-256 alone: OpenSSL 3.0 takes the SM2 identity for the leaf's signature only, so that it can check no SM2 intermediate.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { implicitPrimitive, oid, sequence } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import type { Crl } from '#pki/crl.ts';
import type { KeyUsage } from '#pki/extensions.ts';
import { toPem } from '#pki/pem.ts';
import type { PolicyInput } from '#pki/policy-graph.ts';
import { validatePath } from '#pki/validate-path.ts';
import {
  altNames,
  directoryName,
  distributionPoints,
  dnsName,
  emailName,
  ipName,
  nameConstraints,
  newKey,
  policies,
  type RawCertificate,
  type RawEntity,
  type RawExtension,
  rawAuthority,
  rawCertificate,
  rawCrl,
  rawName,
  uriName,
} from '../fakes/raw-pki.ts';
import { randomFrom } from '../fakes/seeded-random.ts';

/**
 * With other seeds one chain in about a thousand differs: a list that is missing for a self-issued authority, where the older key of
 * the same name signed one that covers the certificate too. RFC 5280 §6.3.3 f lets that count; OpenSSL 3.0 gives up on the list's path.
 */
const CASES = 400;
const SEED = 20_260_601;
const at = new Date('2026-06-01T08:00:00Z');
const folder = mkdtempSync(join(tmpdir(), 'paths-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface MadeCase {
  root: RawEntity;
  intermediates: RawEntity[];
  leaf: RawEntity;
  crls: Crl[];
  input: PolicyInput | undefined;
}

const ANY = OID.anyPolicy;
const POLICIES = ['1.2.3.1', '1.2.3.2', '1.2.3.3', ANY];
const HOSTS = ['a.cn', 'www.a.cn', 'b.a.cn', 'x.b.a.cn', 'c.cn'];
const DOMAINS = ['a.cn', 'b.a.cn', 'cn', 'c.cn'];
const keys = Array.from({ length: 12 }, () => newKey());

/** One chain by the numbers drawn; about half carry something that may break them. */
function make(random: (below: number) => number): MadeCase {
  const chance = (one: number) => random(one) === 0;
  const pick = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  const some = <T>(list: readonly T[]) => list.filter(() => chance(2));
  const withPolicies = chance(2);
  const withNames = chance(2);
  let drawn = 0;
  const key = () => keys[drawn++ % keys.length] as (typeof keys)[number];

  const constraint = () =>
    pick([
      () => dnsName(pick(DOMAINS)),
      () => emailName(pick([...DOMAINS, '.a.cn', 'x@a.cn'])),
      () => uriName(pick([...DOMAINS, '.a.cn'])),
      () => ipName(10, random(2), 0, 0, 255, pick([0, 255]), 0, 0),
      () => directoryName(rawName(pick(['unit', 'other']))),
    ])();
  const policyExtensions = (): RawExtension[] => {
    const list: RawExtension[] = [];
    const stated = some(POLICIES);
    if (stated.length > 0) list.push(policies(...stated));
    const [one, two] = [pick(POLICIES.slice(0, 3)), pick(POLICIES.slice(0, 3))];
    if (chance(4)) list.push({ oid: OID.policyMappings, critical: true, value: sequence(sequence(oid(one), oid(two))) });
    if (chance(4)) {
      const value = sequence(
        ...(chance(2) ? [implicitPrimitive(0, Uint8Array.of(random(3)))] : []),
        implicitPrimitive(1, Uint8Array.of(random(3))),
      );
      list.push({ oid: OID.policyConstraints, critical: true, value });
    }
    if (chance(5)) list.push({ oid: OID.inhibitAnyPolicy, critical: true, value: Uint8Array.of(2, 1, random(3)) });
    return list;
  };
  const authorityExtensions = (): RawExtension[] => [
    ...(withPolicies ? policyExtensions() : []),
    ...(withNames && chance(2) ? [chance(2) ? nameConstraints([constraint(), constraint()]) : nameConstraints([], [constraint()])] : []),
    ...(chance(25) ? [{ oid: '1.2.3.4', critical: chance(2), value: Uint8Array.of(5, 0) }] : []),
  ];
  const breakage = (): RawCertificate => {
    if (!chance(12)) return {};
    return pick<() => RawCertificate>([
      () => ({ notAfter: new Date('2026-05-01T00:00:00Z') }),
      () => ({ notBefore: new Date('2026-07-01T00:00:00Z') }),
      () => ({ ca: false }),
      () => ({ keyUsage: ['digital-signature'] as KeyUsage[] }),
      () => ({ pathLength: 0 }),
      () => ({ signature: Buffer.from('3006020101020101', 'hex') }),
    ])();
  };

  const root = rawAuthority(undefined, { key: key(), subject: `root ${random(1_000)}` });
  const intermediates: RawEntity[] = [];
  let above = root;
  for (let depth = random(4); depth > 0; depth--) {
    const selfIssued = above !== root && chance(5);
    const subject = selfIssued
      ? above.certificate.subject.der
      : rawName(pick(['unit', 'other']), [OID.organisationalUnit, `${depth} ${random(1_000)}`]);
    above = rawAuthority(above, {
      key: key(),
      subject,
      extensions: authorityExtensions(),
      ...(chance(6) ? { pathLength: random(3) } : {}),
      ...breakage(),
    });
    intermediates.push(above);
  }
  const point = uriName('http://ca.example.cn/x.crl');
  const names = [
    ...(chance(2) ? [dnsName(pick(HOSTS))] : []),
    ...(chance(3) ? [emailName(pick(['x@a.cn', 'y@a.cn', 'x@b.a.cn']))] : []),
    ...(chance(4) ? [ipName(10, random(2), 1, 1)] : []),
    ...(chance(4) ? [uriName(`https://${pick(HOSTS)}/p`)] : []),
  ];
  const pointing = chance(4);
  const leaf = rawCertificate(above, {
    key: key(),
    subject: rawName(pick(['unit', 'other']), [OID.organisationalUnit, `leaf ${random(1_000)}`]),
    extensions: [
      ...(names.length > 0 ? [altNames(...names)] : []),
      ...(withPolicies && !chance(4) ? [policies(...(some(POLICIES).length > 0 ? [pick(POLICIES)] : POLICIES.slice(0, 2)))] : []),
      ...(pointing ? [distributionPoints({ names: [point] })] : []),
    ],
    ...(chance(15) ? { notAfter: new Date('2026-05-01T00:00:00Z') } : {}),
  });
  const members = [root, ...intermediates, leaf];
  const crls = chance(2)
    ? []
    : members.slice(0, -1).flatMap((issuer, index) => makeLists(issuer, members[index + 1] as RawEntity, point, random));
  const acceptable = chance(2) ? [pick(POLICIES)] : undefined;
  const input = withPolicies
    ? { ...(acceptable ? { acceptable } : {}), explicit: chance(2), inhibitMapping: chance(4), inhibitAnyPolicy: chance(4) }
    : undefined;
  return { root, intermediates, leaf, crls, input };
}

function makeLists(issuer: RawEntity, below: RawEntity, point: Uint8Array, random: (below: number) => number): Crl[] {
  const chance = (one: number) => random(one) === 0;
  if (chance(15)) return [];
  const withDelta = chance(4);
  const entry = { serial: below.certificate.serialBytes, reason: [1, 4, 6][random(3)] ?? 1 };
  // OpenSSL wants the complete list current even beside a delta; we take the two together (§5.2.4).
  const stale = !withDelta && chance(15) ? { nextUpdate: new Date('2026-05-31T00:00:00Z') } : {};
  // OpenSSL also looks the root up in its own list, which then must speak about authorities.
  const scope =
    !issuer.certificate.selfIssued && chance(5)
      ? { scope: [{ onlyUser: true }, { onlyCa: true }, { names: [point] }][random(3)] ?? {} }
      : {};
  // OpenSSL looks for delta lists only where freshestCRL says that there are some.
  const freshest = { oid: OID.freshestCrl, value: distributionPoints({ names: [point] }).value };
  const extensions = withDelta ? [freshest] : [];
  const base = rawCrl(issuer, { number: 5, ...stale, ...scope, extensions, entries: chance(12) ? [entry] : [] });
  if (!withDelta) return [base];
  const delta = rawCrl(issuer, {
    number: 6,
    baseNumber: 5,
    thisUpdate: new Date('2026-06-01T00:00:00Z'),
    ...scope,
    entries: chance(6) ? [{ ...entry, reason: 1 }] : [],
  });
  return [base, delta];
}

function askOpenssl({ root, intermediates, leaf, crls, input }: MadeCase): { valid: boolean; words: string } {
  const file = (name: string, label: string, ders: readonly Uint8Array[]) => {
    writeFileSync(join(folder, name), ders.map((der) => toPem(label, der)).join(''));
    return join(folder, name);
  };
  const asPem = (name: string, entities: readonly RawEntity[]) =>
    file(
      name,
      'CERTIFICATE',
      entities.map(({ certificate }) => certificate.der),
    );
  const args = ['verify', '-attime', String(at.getTime() / 1_000), '-CAfile', asPem('root', [root])];
  if (intermediates.length > 0) args.push('-untrusted', asPem('intermediates', intermediates));
  if (crls.length > 0)
    args.push(
      '-crl_check_all',
      '-extended_crl',
      '-use_deltas',
      '-CRLfile',
      file(
        'crls',
        'X509 CRL',
        crls.map(({ der }) => der),
      ),
    );
  if (input) {
    args.push('-policy_check', ...(input.acceptable ?? [ANY]).flatMap((policy) => ['-policy', policy]));
    if (input.explicit) args.push('-explicit_policy');
    if (input.inhibitMapping) args.push('-inhibit_map');
    if (input.inhibitAnyPolicy) args.push('-inhibit_any');
  }
  const run = spawnSync('openssl', [...args, asPem('leaf', [leaf])], { encoding: 'utf8' });
  return { valid: /leaf: OK/.test(run.stdout), words: run.stderr.replace(/\s+/g, ' ').slice(0, 300) };
}

function askUs({ root, intermediates, leaf, crls, input }: MadeCase) {
  return validatePath({
    leaf: leaf.certificate,
    intermediates: intermediates.map(({ certificate }) => certificate),
    anchors: [root.certificate],
    at,
    crls,
    requireRevocation: crls.length > 0,
    ...(input ? { policies: input } : {}),
  });
}

test(`${CASES} chains are judged alike by OpenSSL and by us`, { timeout: 240_000 }, () => {
  const random = randomFrom(SEED);
  const differing: string[] = [];
  let valid = 0;
  for (let number = 0; number < CASES; number++) {
    const made = make(random);
    const [theirs, ours] = [askOpenssl(made), askUs(made)];
    valid += Number(theirs.valid);
    if (theirs.valid !== ours.valid)
      differing.push(`${number}: OpenSSL ${theirs.valid} (${theirs.words}), we ${JSON.stringify(ours.findings)}`);
  }
  console.log(`openssl verify: ${CASES - differing.length} of ${CASES} chains judged alike, ${valid} of them valid`);
  expect(differing).toEqual([]);
  expect(valid).toBeGreaterThan(CASES / 10);
  expect(valid).toBeLessThan(CASES * 0.9);
});
