/** What a CA key signs: certificates that pass the lint, for keys it may certify, and its own revocation lists. */
import { DerError, parseDer } from '#crypto/der.ts';
import { bitString, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { encodeSignatureAlgorithm, keyIdentifier } from '#pki/build-certificate.ts';
import { Crl } from '#pki/crl.ts';
import { encodeFreshestPoint, encodeIssuingPoint } from '#pki/encode-crl.ts';
import { type GeneralName, parseDistributionPoints } from '#pki/general-name.ts';
import { lintTbs } from '#pki/lint.ts';
import type { ProfileName } from '#pki/profiles.ts';
import type { KeyPurpose } from '#ports/key-store.ts';
import { areaOfKey, findIssuingKey } from './authority-keys.ts';
import { CLOCK_TOLERANCE_MS, type SigningCase, type SigningRule } from './signing-rule.ts';

const DAY_MS = 86_400_000;
const MAX_CRL_LIFE_DAYS = 100;
/** An offline root is brought out once a year. */
const MAX_ROOT_CRL_LIFE_DAYS = 400;

/** Whether the name is one of an authority; such keys have exactly the purposes below, and no other key has them. */
export function isAuthorityKey(name: string): boolean {
  return areaOfKey(name) !== undefined;
}

/** Profiles whose key must be one of this store, with the purpose it must have: a thief of the caller cannot have his own key certified as a seal. */
const OWN_KEYS: Partial<Record<ProfileName, readonly KeyPurpose[]>> = {
  'seal-maker': ['seal-info'],
  seal: ['seal-signature', 'cms-attributes'],
  'document-signer': ['cms-attributes'],
  'code-signer': ['code'],
  ocsp: ['ocsp-response'],
  timestamp: ['timestamp'],
  'service-signer': ['status-list', 'receipt', 'audit-checkpoint', 'tree-head', 'trust-list'],
};

export const certificateRule: SigningRule = async (request) => {
  const { key, structure, now } = request;
  const { faults, certificate, profile } = lintTbs(structure, key.suite);
  if (faults[0] || !certificate || !profile) return `certificate refused by the lint: ${faults[0] ?? 'unreadable'}`;
  const own = keyIdentifier(key.spki);
  const isSelf = Buffer.compare(certificate.spki, key.spki) === 0;
  const area = areaOfKey(key.name);
  if (area === 'root') {
    if (profile.name === 'root') return isSelf ? undefined : 'a root certificate is only for the root’s own key';
    if (profile.name !== 'issuing') return 'a root signs authorities only';
    const issuing = await findIssuingKey(request.findKey, key.suite, ({ spki }) => Buffer.compare(spki, certificate.spki) === 0);
    if (!issuing) return 'not the key of an issuing authority of ours';
  } else if (profile.ca) return 'an issuing authority signs end entities only';
  else if (profile.issuer !== area && profile.issuer !== 'own') return 'not of the area that this authority issues for';
  if (!certificate.aki || Buffer.compare(certificate.aki, own) !== 0) return 'authority key identifier is not that of this key';
  if (isSelf) return 'a key does not certify itself';
  if (certificate.notBefore.getTime() > now.getTime() + 31 * DAY_MS) return 'begins too far in the future';
  return judgeSubjectKey(request, certificate.spki, profile.name);
};

async function judgeSubjectKey({ findByPublicKey }: SigningCase, spki: Uint8Array, profile: ProfileName): Promise<string | undefined> {
  const purposes = OWN_KEYS[profile];
  if (!findByPublicKey) return undefined;
  const subject = await findByPublicKey(spki);
  if (!purposes) return subject && profile !== 'issuing' ? 'a key of this store gets no certificate of another profile' : undefined;
  return subject?.purposes.some((purpose) => purposes.includes(purpose))
    ? undefined
    : 'the subject’s key is not one of this store for that use';
}

const PLACE = /^https?:\/\/[^/?#\s]+\/crl\/(?<name>[a-z0-9-]+?)(?<part>-part-(?:0|[1-9]\d{0,2}))?(?<delta>-delta)?\.crl$/;
const NO_SUCH_KIND = 'a kind of list this authority does not make';
const OTHER_PLACE = 'the place of another list';

/**
 * A list for a part of the certificates, complete or delta, says so, critically, and by the address of a partition of this very authority:
 * nothing else. A complete list names the delta of the same scope and no other; a delta names none (RFC 5280 §5.2.5, §5.2.6). A root makes
 * neither parts nor deltas. Throws DerError.
 */
function faultOfPlaces(crl: Crl, keyName: string): string | undefined {
  const [point, freshest] = [crl.extensions.get(OID.issuingDistributionPoint), crl.extensions.get(OID.freshestCrl)];
  if (areaOfKey(keyName) === 'root' ? point || freshest || crl.isDelta : freshest && crl.isDelta) return NO_SUCH_KIND;
  const place = urlOf(crl.issuingDistributionPoint?.names ?? []);
  if (point) {
    if (!point.critical || Buffer.compare(point.value, encodeIssuingPoint({ url: place })) !== 0) return NO_SUCH_KIND;
    const { name, part, delta } = PLACE.exec(place)?.groups ?? {};
    if (name !== keyName || !part || delta) return OTHER_PLACE;
  }
  if (!freshest) return undefined;
  const url = urlOf(parseDistributionPoints(freshest.value)[0]?.names ?? []);
  if (freshest.critical || Buffer.compare(freshest.value, encodeFreshestPoint(url)) !== 0) return NO_SUCH_KIND;
  if (point) return url === place.replace(/\.crl$/, '-delta.crl') ? undefined : OTHER_PLACE;
  const { name, part, delta } = PLACE.exec(url)?.groups ?? {};
  return name === keyName && !part && delta ? undefined : OTHER_PLACE;
}

function urlOf([name]: readonly GeneralName[]): string {
  return name?.kind === 'uri' ? name.value : '';
}

export const crlRule: SigningRule = (request) => {
  try {
    return faultOfList(request);
  } catch (error) {
    if (error instanceof DerError) return 'not a TBSCertList';
    throw error;
  }
};

function faultOfList({ key, structure, now }: SigningCase): string | undefined {
  const algorithm = parseDer(structure, { maxElements: 1_000, maxDepth: 20 }).at(1).bytes;
  if (Buffer.compare(algorithm, encodeSignatureAlgorithm(key.suite)) !== 0) return 'signature algorithm is not that of the key';
  const crl = new Crl(sequence(structure, algorithm, bitString(Uint8Array.of(0))), { lookUp: false });
  if (!crl.aki || Buffer.compare(crl.aki, keyIdentifier(key.spki)) !== 0) return 'authority key identifier is not that of this key';
  if (crl.unknownCritical) return NO_SUCH_KIND;
  const place = faultOfPlaces(crl, key.name);
  if (place) return place;
  if (crl.number === undefined || crl.number <= 0n) return 'a list without its number';
  if (crl.baseNumber !== undefined && crl.baseNumber > crl.number) return 'a delta list that begins after itself';
  const ahead = crl.thisUpdate.getTime() - now.getTime();
  if (Math.abs(ahead) > CLOCK_TOLERANCE_MS) return 'thisUpdate is not now';
  const life = (crl.nextUpdate?.getTime() ?? Number.NaN) - crl.thisUpdate.getTime();
  const mostDays = areaOfKey(key.name) === 'root' ? MAX_ROOT_CRL_LIFE_DAYS : MAX_CRL_LIFE_DAYS;
  return life > 0 && life <= mostDays * DAY_MS ? undefined : 'nextUpdate missing or out of range';
}
