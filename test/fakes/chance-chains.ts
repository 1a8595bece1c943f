/** Chains drawn by chance, for other people's path validation and ours: about half carry something that may break them. */
import { implicitPrimitive, oid, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import type { Crl } from '#pki/crl.ts';
import type { KeyUsage } from '#pki/extensions.ts';
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
} from './raw-pki.ts';

/** When the chains are judged. */
export const CHANCE_TIME = new Date('2026-06-01T08:00:00Z');

export interface MadeCase {
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
export function makeChain(random: (below: number) => number): MadeCase {
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
      () => (chance(2) ? ipName(10, 0, 0, 0, 255, 0, 0, 0) : ipName(10, random(2), 0, 0, 255, 255, 0, 0)),
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

/** Our answer. */
export function judgeChain({ root, intermediates, leaf, crls, input }: MadeCase) {
  return validatePath({
    leaf: leaf.certificate,
    intermediates: intermediates.map(({ certificate }) => certificate),
    anchors: [root.certificate],
    at: CHANCE_TIME,
    crls,
    requireRevocation: crls.length > 0,
    ...(input ? { policies: input } : {}),
  });
}
