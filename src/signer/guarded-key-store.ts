/**
 * The guard around a key store: parses what a key is asked to sign and refuses whatever its purpose does not allow, limits how
 * often, and logs every use. With it a stolen caller can do what the system does, one act at a time and on record; it has no oracle.
 */
import { digest } from '#crypto/suite.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeyPurpose, KeyStore, StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import { keyRateLimit, type RateLimits } from './rate-limit.ts';
import { certificateRule, crlRule, isAuthorityKey } from './rules-authority.ts';
import { cmsAttributesRule, sealInfoRule, sealSignatureRule } from './rules-document.ts';
import { treeHeadRule } from './rules-log.ts';
import { ocspResponseRule, timestampRule } from './rules-status.ts';
import { checkpointRule, codeRule, receiptRule, statusListRule, trustListRule } from './rules-token.ts';
import type { SigningCase, SigningRule } from './signing-rule.ts';

const RULES: Readonly<Record<KeyPurpose, SigningRule>> = {
  certificate: certificateRule,
  crl: crlRule,
  'seal-info': sealInfoRule,
  'seal-signature': sealSignatureRule,
  'cms-attributes': cmsAttributesRule,
  code: codeRule,
  'status-list': statusListRule,
  receipt: receiptRule,
  'audit-checkpoint': checkpointRule,
  'ocsp-response': ocspResponseRule,
  timestamp: timestampRule,
  'tree-head': treeHeadRule,
  'trust-list': trustListRule,
  // Heads of its own log are the signer's own doing, past this door.
  'signer-log': () => 'only the signer itself signs its log',
};

/** One line for each use of a key, signed or refused. Nothing of the structure but its digest. */
export interface SignerLogLine {
  at: string;
  event: 'key-created' | 'signed' | 'refused' | 'limited';
  key: string;
  purpose?: KeyPurpose;
  /** SHA-256 of the structure, to find it again. */
  structure?: string;
  reason?: string;
}

export interface GuardOptions {
  clock: Clock;
  log?: (line: SignerLogLine) => void;
  limits?: RateLimits;
}

/** Optional talent of a store. */
interface SearchableKeyStore extends KeyStore {
  findByPublicKey(spki: Uint8Array): Promise<StoredKey | undefined>;
}

/** A key store that only signs by the rules. `serveSigner` takes no other. */
export interface GuardedKeyStore extends KeyStore {
  readonly guarded: true;
}

export function guardedKeyStore(inner: KeyStore, { clock, log = () => {}, limits = {} }: GuardOptions): GuardedKeyStore {
  const admit = keyRateLimit(clock, limits);
  const line = (event: SignerLogLine['event'], key: string, more: Partial<SignerLogLine> = {}) =>
    log({ at: clock.now().toISOString(), event, key, ...more });
  return {
    guarded: true,
    suites: inner.suites,
    find: (name) => inner.find(name),

    async create(name, suite, purposes) {
      const fault = faultOfPurposes(name, purposes);
      if (fault) {
        line('refused', name, { reason: fault });
        throw new Problem('signing-refused', { detail: fault });
      }
      const key = await inner.create(name, suite, purposes);
      line('key-created', name);
      return key;
    },

    async sign(name, purpose, structure, evidence) {
      const key = await inner.find(name);
      if (!key) throw new Problem('key-not-found');
      const about = { purpose, structure: Buffer.from(digest('sha256', structure)).toString('hex') };
      if (!admit(name, purpose)) {
        line('limited', name, about);
        throw new Problem('signing-too-fast', { retryAfterSeconds: 60 });
      }
      const reason = await judge(inner, { key, structure, now: clock.now(), ...(evidence ? { evidence } : {}) }, purpose);
      if (reason) {
        line('refused', name, { ...about, reason });
        throw new Problem('signing-refused', { detail: reason });
      }
      const signature = await inner.sign(name, purpose, structure, evidence);
      line('signed', name, about);
      return signature;
    },
  };
}

type Asked = Pick<SigningCase, 'key' | 'structure' | 'evidence' | 'now'>;

async function judge(inner: KeyStore, asked: Asked, purpose: KeyPurpose): Promise<string | undefined> {
  // `purpose` may come from another process: only own keys of the table count.
  const rule = Object.hasOwn(RULES, purpose) ? RULES[purpose] : undefined;
  if (!rule || !asked.key.purposes.includes(purpose)) return 'the key has another purpose';
  const searchable = 'findByPublicKey' in inner ? (inner as SearchableKeyStore) : undefined;
  return rule({
    ...asked,
    findKey: (name) => inner.find(name),
    ...(searchable ? { findByPublicKey: (spki) => searchable.findByPublicKey(spki) } : {}),
  });
}

/** A key has one purpose, so that a signature made for one can never be shown as another; a CA key has its two, whose structures differ. */
function faultOfPurposes(name: string, purposes: readonly KeyPurpose[]): string | undefined {
  const ofAuthority = (purpose: KeyPurpose) => purpose === 'certificate' || purpose === 'crl';
  if (isAuthorityKey(name))
    return purposes.length === 2 && purposes.every(ofAuthority) ? undefined : 'an authority key signs certificates and lists';
  if (purposes.length !== 1) return 'a key has exactly one purpose';
  return purposes.some(ofAuthority) ? 'only an authority key signs certificates and lists' : undefined;
}
