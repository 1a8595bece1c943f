/**
 * Certificate profiles: what each kind of certificate of ours contains, as data, with the reason for each choice.
 * The builder writes by them, the lint refuses what departs from them, and `profileOf` reads them back from a certificate.
 */
import { OID } from '#crypto/oids.ts';
import type { Suite } from '#crypto/suite.ts';
import type { Certificate } from './certificate.ts';
import type { KeyUsage } from './extensions.ts';
import { type HolderProfileName, holderProfiles } from './holder-profiles.ts';

/**
 * Policies lie under the enterprise number that RFC 5612 sets aside for documentation: Tongren has no arc of its own.
 * An authority that puts this to work writes its own arc here before it makes its first root.
 */
export const POLICY_ARC = '1.3.6.1.4.1.32473.7.1';

/** MandateReference ::= SEQUENCE { reference UTF8String, validUntil GeneralizedTime }; non-critical. */
export const MANDATE_EXTENSION = `${POLICY_ARC}.100.1`;

export type ProfileName =
  | 'root'
  | 'issuing'
  | 'seal-maker'
  | 'seal'
  | 'document-signer'
  | 'code-signer'
  | 'service-signer'
  | 'person'
  | 'timestamp'
  | 'ocsp'
  | 'web-server'
  | 'device'
  | HolderProfileName;

/** What an issuing authority issues for: one reaches no further than its area. */
export const ISSUING_AREAS = ['persons', 'organisations', 'seals', 'devices', 'services'] as const;
export type IssuingArea = (typeof ISSUING_AREAS)[number];

export interface CertificateProfile {
  name: ProfileName;
  /** The OID by which the profile is known again; a root has none. */
  policy?: string;
  /** Who signs it: the authority of an area; `own`: each authority for itself. */
  issuer: 'self' | 'root' | IssuingArea | 'own';
  ca: boolean;
  pathLength?: number;
  keyUsage: readonly KeyUsage[];
  extendedKeyUsage?: readonly string[];
  suites: readonly Suite[];
  maxDays: number;
  /** Name attributes that must be there. */
  requiredSubject: readonly string[];
  /** ETSI EN 319 412-5 QcType. */
  qcType?: string;
  /** The USCC also as GM/T 0015 organizationCode. */
  organisationCode?: boolean;
  ocspNoCheck?: boolean;
  subjectAltNames?: boolean;
  /** Key usage where a suite asks for another than `keyUsage`. */
  keyUsageOf?: Readonly<Partial<Record<Suite, readonly KeyUsage[]>>>;
  /** GM/T 0015 identifyCode of a person may stand in it, never in clear. */
  identifyCode?: boolean;
  /** GM/T 0015 insuranceNumber, taxationNumber, iCRegistrationNumber may stand in it. */
  insuranceNumber?: boolean;
  taxationNumber?: boolean;
  registrationNumber?: boolean;
  /** It names a mandate and ends with it at the latest. */
  mandate?: boolean;
  /** The profile of the encryption certificate that is issued with it. */
  encryptionTwin?: HolderProfileName;
  /** We make the key and keep it for recovery. */
  archivedKey?: boolean;
  /** We may make the key and hand it over once as PKCS#12. */
  exportable?: boolean;
  because: Readonly<Partial<Record<keyof CertificateProfile, string>>>;
}

const SIGNS_IN: readonly Suite[] = ['sm2-sm3', 'es256'];
const SIGNING: readonly KeyUsage[] = ['digital-signature', 'non-repudiation'];
const SIGNING_REASON = 'A signature that is meant to bind; GB/T 38540 refuses a seal signer with neither bit, NSS accepts both.';
const NO_EXTENDED_USAGE = 'Left out: NSS and older readers refuse a signer whose extended usage they do not know.';
const LEGAL_NAME = [OID.country, OID.organisation, OID.commonName];

export const PROFILES: Readonly<Record<ProfileName, CertificateProfile>> = {
  root: {
    name: 'root',
    issuer: 'self',
    ca: true,
    keyUsage: ['key-cert-sign', 'crl-sign'],
    suites: SIGNS_IN,
    maxDays: 7_305,
    requiredSubject: LEGAL_NAME,
    because: {
      keyUsage: 'RFC 5280 §4.2.1.3: exactly what a CA does; it signs no documents.',
      pathLength: 'Unlimited, so that a city may later put a regional authority between.',
      maxDays: 'Twenty years: longer than any licence, short enough to retire the algorithm.',
      policy: 'A trust anchor states no policy of its own (RFC 5280 §6.1.1 takes only its name and key).',
    },
  },
  issuing: {
    name: 'issuing',
    policy: OID.anyPolicy,
    issuer: 'root',
    ca: true,
    pathLength: 0,
    keyUsage: ['key-cert-sign', 'crl-sign'],
    suites: SIGNS_IN,
    maxDays: 3_653,
    requiredSubject: LEGAL_NAME,
    because: {
      pathLength: 'It issues to subjects only: a stolen issuing key cannot make another authority.',
      policy: 'anyPolicy, so that every profile below it is valid under its own policy (RFC 5280 §6.1.3).',
      maxDays: 'Ten years: its certificates of at most five years end before it does.',
    },
  },
  'seal-maker': {
    name: 'seal-maker',
    policy: `${POLICY_ARC}.3`,
    issuer: 'seals',
    ca: false,
    keyUsage: SIGNING,
    suites: ['sm2-sm3', 'es256'],
    maxDays: 1_827,
    requiredSubject: LEGAL_NAME,
    organisationCode: true,
    because: {
      organisationCode: 'GM/T 0015: the maker is a registered body, and readers look for its code there.',
      keyUsage: 'GB/T 38540 §6: the maker signs the seal structure and nothing else.',
      maxDays: 'Five years, like the seals it makes.',
      extendedKeyUsage: NO_EXTENDED_USAGE,
    },
  },
  seal: {
    name: 'seal',
    policy: `${POLICY_ARC}.4`,
    issuer: 'seals',
    ca: false,
    keyUsage: SIGNING,
    suites: ['sm2-sm3', 'es256'],
    maxDays: 1_827,
    requiredSubject: LEGAL_NAME,
    organisationCode: true,
    because: {
      keyUsage: SIGNING_REASON,
      organisationCode: 'GM/T 0015: where Chinese readers look for the code of the organisation.',
      extendedKeyUsage: NO_EXTENDED_USAGE,
      maxDays: 'GB/T 38540 seals are renewed at least every five years.',
    },
  },
  'document-signer': {
    name: 'document-signer',
    policy: `${POLICY_ARC}.5`,
    issuer: 'organisations',
    ca: false,
    keyUsage: SIGNING,
    suites: SIGNS_IN,
    maxDays: 1_827,
    requiredSubject: [...LEGAL_NAME, OID.organisationIdentifier],
    qcType: OID.qcTypeSeal,
    organisationCode: true,
    because: {
      organisationCode: 'GM/T 0015: the same code as in organizationIdentifier, where Chinese readers look for it.',
      keyUsage: SIGNING_REASON,
      requiredSubject: 'EN 319 412-3 §4.2: a legal person is named by C, O, organizationIdentifier and CN.',
      qcType: 'EN 319 412-5: says that this makes a seal, not a person’s signature; no QcCompliance, which would claim an EU regime.',
      extendedKeyUsage: NO_EXTENDED_USAGE,
    },
  },
  'code-signer': {
    name: 'code-signer',
    policy: `${POLICY_ARC}.6`,
    issuer: 'services',
    ca: false,
    keyUsage: ['digital-signature'],
    suites: SIGNS_IN,
    maxDays: 731,
    requiredSubject: LEGAL_NAME,
    because: {
      keyUsage: 'Codes of a minute are not binding statements: no non-repudiation, so that no reader takes one for a seal.',
      maxDays: 'Two years: offline verifiers must learn new keys anyway.',
    },
  },
  'service-signer': {
    name: 'service-signer',
    policy: `${POLICY_ARC}.7`,
    issuer: 'services',
    ca: false,
    keyUsage: ['digital-signature'],
    suites: SIGNS_IN,
    maxDays: 731,
    requiredSubject: LEGAL_NAME,
    because: { keyUsage: 'Signs status lists, receipts and audit checkpoints, which are records of ours and not documents.' },
  },
  person: {
    name: 'person',
    policy: `${POLICY_ARC}.8`,
    issuer: 'persons',
    ca: false,
    keyUsage: SIGNING,
    suites: SIGNS_IN,
    maxDays: 1_827,
    requiredSubject: [OID.country, OID.commonName],
    qcType: OID.qcTypeSignature,
    identifyCode: true,
    encryptionTwin: 'person-encryption',
    because: {
      qcType: 'EN 319 412-5: says that a person signs; no QcCompliance, which would claim an EU regime.',
      identifyCode: 'GM/T 0015 identifyCode, never in clear: hashed with a key, encrypted, or left out, as the operator decides.',
      encryptionTwin: 'GM/T 0034: issued with it where the person asks for a pair.',
      policy: 'Its own policy, so that a citizen’s signature can never make a file look official.',
      requiredSubject: 'No identity number in the name: certificates are public (Personal Information Protection Law, minimal use).',
    },
  },
  timestamp: {
    name: 'timestamp',
    policy: `${POLICY_ARC}.9`,
    issuer: 'services',
    ca: false,
    keyUsage: ['digital-signature'],
    extendedKeyUsage: [OID.timeStamping],
    suites: SIGNS_IN,
    maxDays: 3_288,
    requiredSubject: LEGAL_NAME,
    because: { extendedKeyUsage: 'RFC 3161 §2.3: timeStamping alone, and critical.' },
  },
  ocsp: {
    name: 'ocsp',
    policy: `${POLICY_ARC}.10`,
    issuer: 'own',
    ca: false,
    keyUsage: ['digital-signature'],
    extendedKeyUsage: [OID.ocspSigning],
    suites: SIGNS_IN,
    maxDays: 92,
    requiredSubject: LEGAL_NAME,
    ocspNoCheck: true,
    because: {
      extendedKeyUsage: 'RFC 6960 §4.2.2.2: without OCSPSigning nobody accepts the answers of a delegated responder.',
      issuer: 'RFC 6960 §4.2.2.2: a delegated responder is certified by the very authority it answers for.',
      ocspNoCheck: 'RFC 6960 §4.2.2.2.1: nobody can ask for the status of the one who answers; its life is short instead.',
    },
  },
  'web-server': {
    name: 'web-server',
    policy: `${POLICY_ARC}.11`,
    issuer: 'devices',
    ca: false,
    keyUsage: ['digital-signature'],
    extendedKeyUsage: [OID.serverAuthentication],
    suites: ['es256'],
    maxDays: 397,
    requiredSubject: [OID.commonName],
    subjectAltNames: true,
    exportable: true,
    because: {
      extendedKeyUsage: 'RFC 5280 §4.2.1.12: TLS server authentication alone.',
      maxDays: 'Browsers refuse more than 398 days.',
      subjectAltNames: 'RFC 9525: names are taken from here alone.',
      exportable: 'Appliances take a PKCS#12 file and make no request of their own.',
    },
  },
  ...holderProfiles(POLICY_ARC),
  device: {
    name: 'device',
    policy: `${POLICY_ARC}.12`,
    issuer: 'devices',
    ca: false,
    keyUsage: ['digital-signature'],
    extendedKeyUsage: [OID.clientAuthentication],
    suites: ['es256'],
    maxDays: 398,
    requiredSubject: LEGAL_NAME,
    exportable: true,
    because: {
      exportable: 'A kiosk that cannot make a request gets its key with its image, once.',
      keyUsage: 'A kiosk proves that it is there; it makes no statement that binds anybody.',
      extendedKeyUsage: 'RFC 5280 §4.2.1.12: it opens TLS connections as a client, and nothing else.',
      suites: 'EST clients and TLS stacks of devices know P-256; SM2 there is TLCP, which the gateway speaks.',
      maxDays: 'Devices renew by themselves, so a lost one is soon without a certificate.',
    },
  },
};

/** Extended key usages that make the extension critical. */
export const CRITICAL_EXTENDED_USAGES: readonly string[] = [OID.timeStamping];

/** Profiles whose signature can make a document official. */
export const OFFICIAL_PROFILES: readonly ProfileName[] = ['seal', 'document-signer'];

/**
 * Which of our profiles a certificate claims. Only the policy OID is read: whether the claim is true depends on the path
 * to an anchor of ours, so ask this of certificates whose path was validated.
 */
export function profileOf(certificate: Certificate): ProfileName | undefined {
  if (certificate.basicConstraints?.ca) {
    if (certificate.selfIssued) return 'root';
    return certificate.policies.includes(OID.anyPolicy) ? 'issuing' : undefined;
  }
  const ours = Object.values(PROFILES).filter(({ ca, policy }) => !ca && policy && certificate.policies.includes(policy));
  return ours.length === 1 ? ours[0]?.name : undefined;
}

/** The usage of a key of this suite under the profile. */
export function keyUsageOf(profile: CertificateProfile, suite: Suite | undefined): readonly KeyUsage[] {
  return (suite && profile.keyUsageOf?.[suite]) ?? profile.keyUsage;
}
