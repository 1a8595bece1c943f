/**
 * Profiles for those who hold a key of their own: organisations, people who act for them, systems that call us, and for each
 * signing certificate its twin for encryption (GM/T 0034: two pairs of keys, the signing pair made by the holder, the encryption pair by us).
 */
import { OID } from '#crypto/oids.ts';
import type { Suite } from '#crypto/suite.ts';
import type { KeyUsage } from './extensions.ts';
import type { CertificateProfile } from './profiles.ts';

export type HolderProfileName =
  | 'organisation'
  | 'legal-representative'
  | 'agent'
  | 'service-client'
  | 'person-encryption'
  | 'organisation-encryption'
  | 'legal-representative-encryption'
  | 'agent-encryption';

const SIGNS_IN: readonly Suite[] = ['sm2-sm3', 'es256'];
const SIGNING: readonly KeyUsage[] = ['digital-signature', 'non-repudiation'];
const FOR_ORGANISATION = [OID.country, OID.organisation, OID.organisationIdentifier, OID.commonName];
const SIGNING_REASON =
  'A signature that is meant to bind (Electronic Signature Law art. 13 asks for sole control of the key: it is never made by us).';
const NO_EXTENDED_USAGE =
  'Left out: it signs in and signs documents alike, and NSS refuses a document signer whose extended usage it does not know.';
const TWIN_REASON = 'GM/T 0034: the twin is issued in the same act; a lost encryption key would take the holder’s papers with it.';

export function holderProfiles(policyArc: string): Readonly<Record<HolderProfileName, CertificateProfile>> {
  return {
    organisation: {
      name: 'organisation',
      policy: `${policyArc}.13`,
      issuer: 'organisations',
      ca: false,
      keyUsage: SIGNING,
      suites: SIGNS_IN,
      maxDays: 1_827,
      requiredSubject: FOR_ORGANISATION,
      organisationCode: true,
      taxationNumber: true,
      registrationNumber: true,
      encryptionTwin: 'organisation-encryption',
      because: {
        policy:
          'Its own policy: it signs in and signs for the organisation, but makes no document official, which a seal or a document signer does.',
        keyUsage: SIGNING_REASON,
        extendedKeyUsage: NO_EXTENDED_USAGE,
        maxDays: 'Five years, the longest that Chinese authorities issue for organisations.',
        requiredSubject: 'EN 319 412-3 §4.2, and GB/T 20518 §5.2: the organisation is named by O and its code by organizationIdentifier.',
        organisationCode: 'GM/T 0015 organizationCode: where Chinese readers look for the unified social credit code.',
        taxationNumber: 'GM/T 0015 taxationNumber, where the tax register has another number than the credit code.',
        registrationNumber: 'GM/T 0015 iCRegistrationNumber, for bodies registered before the credit code.',
        encryptionTwin: TWIN_REASON,
      },
    },
    'legal-representative': {
      name: 'legal-representative',
      policy: `${policyArc}.14`,
      issuer: 'persons',
      ca: false,
      keyUsage: SIGNING,
      suites: SIGNS_IN,
      maxDays: 1_096,
      requiredSubject: FOR_ORGANISATION,
      qcType: OID.qcTypeSignature,
      organisationCode: true,
      identifyCode: true,
      encryptionTwin: 'legal-representative-encryption',
      because: {
        policy: 'A person’s signature that binds the organisation (Civil Code art. 61): neither the person’s own nor a seal.',
        keyUsage: SIGNING_REASON,
        requiredSubject: 'The person in CN, the organisation in O with its code: both are needed to know who is bound.',
        qcType: 'EN 319 412-5: a person signs.',
        organisationCode: 'GM/T 0015 organizationCode of the organisation that is bound.',
        identifyCode:
          'GM/T 0015 identifyCode of the person, never in clear: hashed with a key, encrypted, or left out, as the operator decides.',
        maxDays: 'Three years, a term of office (Company Law art. 70); the office may end before, and then it is revoked.',
        extendedKeyUsage: NO_EXTENDED_USAGE,
        encryptionTwin: TWIN_REASON,
      },
    },
    agent: {
      name: 'agent',
      policy: `${policyArc}.15`,
      issuer: 'persons',
      ca: false,
      keyUsage: SIGNING,
      suites: SIGNS_IN,
      maxDays: 366,
      requiredSubject: FOR_ORGANISATION,
      qcType: OID.qcTypeSignature,
      organisationCode: true,
      identifyCode: true,
      mandate: true,
      encryptionTwin: 'agent-encryption',
      because: {
        policy: 'A signature under a mandate (Civil Code art. 165): readers must be able to tell it from the representative’s.',
        keyUsage: SIGNING_REASON,
        mandate: 'Reference and end of the mandate stand in the certificate, and it never outlives the mandate.',
        maxDays: 'A year: mandates are looked at again.',
        requiredSubject: 'The agent in CN, the principal in O with its code.',
        qcType: 'EN 319 412-5: a person signs.',
        organisationCode: 'GM/T 0015 organizationCode of the principal.',
        identifyCode: 'As for the legal representative.',
        extendedKeyUsage: NO_EXTENDED_USAGE,
        encryptionTwin: TWIN_REASON,
      },
    },
    'service-client': {
      name: 'service-client',
      policy: `${policyArc}.16`,
      issuer: 'devices',
      ca: false,
      keyUsage: ['digital-signature'],
      extendedKeyUsage: [OID.clientAuthentication],
      suites: ['es256'],
      maxDays: 397,
      requiredSubject: FOR_ORGANISATION,
      organisationCode: true,
      exportable: true,
      because: {
        policy: 'A system that calls us by mutual TLS, known by its organisation.',
        keyUsage: 'It proves who calls; it makes no statement that binds anybody.',
        extendedKeyUsage: 'RFC 5280 §4.2.1.12: it opens TLS connections as a client, and nothing else.',
        suites: 'TLS 1.3 libraries know P-256; SM2 there is TLCP, which the gateway speaks.',
        maxDays: 'Like a server’s: a system that renews by itself needs no longer.',
        requiredSubject: 'The system in CN, the organisation that answers for it in O with its code.',
        organisationCode: 'GM/T 0015 organizationCode of the organisation that answers for it.',
        exportable: 'Administrators install it on several machines: we may make the key and hand it over once as PKCS#12.',
      },
    },
    'person-encryption': encryption('person-encryption', `${policyArc}.17`, 1_827, [OID.country, OID.commonName], { identifyCode: true }),
    'organisation-encryption': encryption('organisation-encryption', `${policyArc}.18`, 1_827, FOR_ORGANISATION, {
      organisationCode: true,
      taxationNumber: true,
      registrationNumber: true,
    }),
    'legal-representative-encryption': encryption('legal-representative-encryption', `${policyArc}.19`, 1_096, FOR_ORGANISATION, {
      organisationCode: true,
      identifyCode: true,
    }),
    'agent-encryption': encryption('agent-encryption', `${policyArc}.20`, 366, FOR_ORGANISATION, {
      organisationCode: true,
      identifyCode: true,
      mandate: true,
    }),
  };
}

type Twin = Partial<CertificateProfile> & { name?: never };

function encryption(
  name: HolderProfileName,
  policy: string,
  maxDays: number,
  requiredSubject: readonly string[],
  more: Twin,
): CertificateProfile {
  return {
    name,
    policy,
    issuer: name === 'organisation-encryption' ? 'organisations' : 'persons',
    ca: false,
    keyUsage: ['key-agreement'],
    keyUsageOf: { 'sm2-sm3': ['key-encipherment', 'data-encipherment', 'key-agreement'] },
    suites: SIGNS_IN,
    maxDays,
    requiredSubject,
    archivedKey: true,
    ...more,
    because: {
      policy: 'Its own policy: a key that others can recover must never be taken for one that signs.',
      keyUsage: 'RFC 5480 §3: a P-256 key can agree on keys; it encrypts nothing itself.',
      keyUsageOf: 'GM/T 0034 and GB/T 20518: the SM2 encryption certificate enciphers keys and data, since SM2 itself encrypts.',
      maxDays: 'As long as its signing twin.',
      requiredSubject: 'The same name as its signing twin, so that a sender finds the two together.',
      ...(more.identifyCode ? { identifyCode: 'As its signing twin: the two are known to be of one person by it.' } : {}),
      ...(more.organisationCode ? { organisationCode: 'As its signing twin: a sender looks the organisation up by its code.' } : {}),
      ...(more.taxationNumber ? { taxationNumber: 'As its signing twin.' } : {}),
      ...(more.registrationNumber ? { registrationNumber: 'As its signing twin.' } : {}),
      ...(more.mandate ? { mandate: 'As its signing twin: who acts no longer receives no longer.' } : {}),
      archivedKey: 'The key is made and kept by us, sealed; two operators together can hand it over again.',
    },
  };
}
