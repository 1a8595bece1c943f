/** Questions of path validation with damage under good signatures, so that it reaches the innermost rules: for the fuzz test and its unit twin. */
import { DerError } from '#crypto/der.ts';
import { bitString, explicit, implicitPrimitive, integer, oid, sequence, utf8String } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { signMessage } from '#crypto/suite.ts';
import { type Crl, parseCrl } from '#pki/crl.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { assembleOcspResponse, encodeResponseData } from '#pki/ocsp-encode-response.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import type { PathQuestion } from '#pki/validate-path.ts';
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
  type RawEntity,
  type RawExtension,
  rawAuthority,
  rawCertificate,
  rawCrl,
  rawName,
  uriName,
} from './raw-pki.ts';

const at = new Date('2026-06-01T08:00:00Z');
const root = rawAuthority(undefined, { subject: 'root' });
const [authorityKey, leafKey] = [newKey(), newKey()];
const point = uriName('http://ca.example.cn/1.crl');

const AUTHORITY: RawExtension[] = [
  policies('1.2.3', OID.anyPolicy),
  nameConstraints(
    [dnsName('example.cn'), emailName('example.cn'), directoryName(rawName('leaf'))],
    [ipName(10, 0, 0, 0, 255, 0, 0, 0), uriName('.example.com')],
  ),
  { oid: OID.policyMappings, critical: true, value: sequence(sequence(oid('1.2.3'), oid('1.2.4'))) },
  {
    oid: OID.policyConstraints,
    critical: true,
    value: sequence(implicitPrimitive(0, Uint8Array.of(1)), implicitPrimitive(1, Uint8Array.of(1))),
  },
  { oid: OID.inhibitAnyPolicy, critical: true, value: integer(1) },
];
const LEAF: RawExtension[] = [
  policies('1.2.4'),
  altNames(
    dnsName('*.example.cn'),
    emailName('a@example.cn'),
    ipName(192, 0, 2, 1),
    uriName('https://example.cn/'),
    explicit(0, oid(OID.smtpUtf8Mailbox), explicit(0, utf8String('张三@example.cn'))),
  ),
  distributionPoints({ names: [point], reasons: [1, 2, 6] }, { crlIssuer: rawName('root') }),
  { oid: OID.extendedKeyUsage, value: sequence(oid(OID.serverAuthentication)) },
];

function damage(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const out = Buffer.from(bytes);
  switch (random(4)) {
    case 0:
      out[random(out.length)] = random(256);
      return out;
    case 1:
      return out.subarray(0, random(out.length + 1));
    case 2: {
      const place = random(out.length);
      return Buffer.concat([out.subarray(0, place), out.subarray(place + 1)]);
    }
    default:
      // The last octet of a length or a tag is where most is decided.
      out[random(Math.min(4, out.length))] = [0x00, 0x30, 0x80, 0xa0, 0xff][random(5)] ?? 0;
      return out;
  }
}

const damageOne = (list: readonly RawExtension[], random: (below: number) => number): RawExtension[] => {
  const victim = random(list.length + 1);
  return list.map((extension, index) => (index === victim ? { ...extension, value: damage(extension.value, random) } : extension));
};

function readAnyway<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}

type Random = (below: number) => number;

/** A chain with one extension damaged in each certificate below the root; undefined when one cannot be read at all. */
export function damagedChain(random: Random): PathQuestion | undefined {
  const middle = readAnyway(() => rawAuthority(root, { subject: 'middle', key: authorityKey, extensions: damageOne(AUTHORITY, random) }));
  const leaf = middle && readAnyway(() => rawCertificate(middle, { subject: 'leaf', key: leafKey, extensions: damageOne(LEAF, random) }));
  if (!leaf) return undefined;
  const rules = (['path', 'rfc5280', 'tls'] as const)[random(3)] ?? 'path';
  const question = { leaf: leaf.certificate, intermediates: [middle.certificate], anchors: [root.certificate], at, rules };
  return { ...question, purpose: 'server', policies: { explicit: true } };
}

const middle = rawAuthority(root, { subject: 'middle', key: authorityKey });
const leaf = rawCertificate(middle, {
  subject: 'leaf',
  key: leafKey,
  extensions: [distributionPoints({ names: [point] }, { crlIssuer: rawName('root') })],
});
const serial = leaf.certificate.serialBytes;
const answers = encodeResponseData({
  responderSpki: middle.certificate.spki,
  producedAt: at,
  answers: [
    {
      certId: encodeCertId(issuerHashes(middle.certificate, 'sha1'), 'sha1', serial),
      status: { status: 'good' },
      thisUpdate: at,
      nextUpdate: new Date('2026-06-02T00:00:00Z'),
    },
  ],
});
const base = rawCrl(middle, { scope: { names: [point] }, entries: [{ serial, reason: 6, issuer: rawName('middle') }] });
const delta = rawCrl(middle, { number: 2, baseNumber: 1, scope: { names: [point] }, entries: [{ serial, reason: 8 }] });
const indirect = rawCrl(root, {
  scope: { indirect: true, reasons: [1, 2, 3] },
  entries: [{ serial, reason: 1, issuer: rawName('middle') }],
});

/** A sound chain with damaged lists and a damaged answer, as far as they can be read. */
export function damagedStatus(random: Random): PathQuestion {
  const redo = (crl: Crl, signer: RawEntity) => {
    const tbs = damage(crl.tbs, random);
    const algorithm = Buffer.from('300a06082a8648ce3d040302', 'hex');
    return readAnyway(() => parseCrl(sequence(tbs, algorithm, bitString(signMessage(signer.key, tbs)))));
  };
  const lists = [redo(base, middle), redo(delta, middle), redo(indirect, root), base];
  const changed = damage(answers, random);
  const answer = readAnyway(() =>
    parseOcspResponse(assembleOcspResponse(changed, 'es256', signMessage(middle.key, changed), [middle.certificate.der])),
  );
  return {
    leaf: leaf.certificate,
    intermediates: [middle.certificate],
    anchors: [root.certificate],
    at,
    crls: lists.flatMap((crl) => (crl ? [crl] : [])),
    ocspResponses: answer?.status === 'successful' ? [answer.basic] : [],
    requireRevocation: true,
  };
}
