/**
 * The guard around a key store: asks the policy whether this caller may ask, parses what a key is asked to sign and refuses whatever
 * its purpose does not allow, limits how often, and notes every use. With it a stolen caller can do what that caller does, one act
 * at a time and on record; it has no oracle.
 */
import { digest } from '#crypto/suite.ts';
import type { Clock } from '#ports/clock.ts';
import { KEY_PURPOSES, type KeyPurpose, type KeyStore, type StoredKey } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import {
  callerOfCertificate,
  DEFAULT_POLICY,
  decideCaller,
  mayRotateLogKey,
  maySee,
  OWN_CALLER,
  refusalTo,
  ruleRateLimit,
  ruleToEnd,
  type SignerPolicy,
} from './caller-policy.ts';
import type { LogHeads, LogKeyChange } from './keep-log-heads.ts';
import { LOG_KEY } from './log-key-chain.ts';
import type { SignerLogLine } from './log-line.ts';
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

const DAY_MS = 86_400_000;
const LIMITED_LINE_EVERY_MS = 1_000;
const KEY_NAME = /^[a-z0-9][a-z0-9-]{0,99}$/;

export interface GuardOptions {
  clock: Clock;
  /** Where every use of a key is noted before it takes effect. When this throws, nothing is signed. */
  log?: (line: SignerLogLine) => unknown;
  limits?: RateLimits;
  /** Who may ask for what, asked for at each act. Default: the built-in policy. */
  policy?: () => SignerPolicy;
  /** Changes the key that signs heads of the log; without it nobody can ask for that. */
  rotateLogKey?: LogHeads['rotate'];
}

/** What one caller has of the store. */
export interface CallerKeyStore extends KeyStore {
  /**
   * Lets the next key of the signer's own log take over; asked again within ten minutes it answers with that same change. With
   * `compromised` the key before vouches for nothing and is destroyed at once. Throws Problem `signing-refused` where the policy
   * does not let this caller.
   */
  rotateLogKey(change: { compromised: boolean }): Promise<LogKeyChange>;
}

/** Optional talent of a store. */
interface SearchableKeyStore extends KeyStore {
  findByPublicKey(spki: Uint8Array): Promise<StoredKey | undefined>;
}

/** A key store that only signs by the rules. `serveSigner` takes no other. By itself it acts for this very process (`service`). */
export interface GuardedKeyStore extends CallerKeyStore {
  readonly guarded: true;
  /** The same store as this caller sees it: what the policy does not allow is refused. */
  as(caller: string): CallerKeyStore;
  /** Name of the caller whose certificate bears one of these names. */
  callerOfCertificate(names: readonly string[]): string | undefined;
}

export function guardedKeyStore(inner: KeyStore, options: GuardOptions): GuardedKeyStore {
  const { clock, log = () => {}, limits = {}, policy = () => DEFAULT_POLICY, rotateLogKey } = options;
  const admitKey = keyRateLimit(clock, limits);
  const admitRule = ruleRateLimit(clock);
  const admitEnd = ruleRateLimit(clock, DAY_MS);
  const lastLimited = new Map<string, number>();

  const as = (caller: string): CallerKeyStore => {
    const line = (event: SignerLogLine['event'], key: string, more: Partial<SignerLogLine> = {}) =>
      log({ at: clock.now().toISOString(), event, caller, key: KEY_NAME.test(key) ? key : '(no key name)', ...more });
    const refuse = async (key: string, detail: string, about: Partial<SignerLogLine> = {}): Promise<never> => {
      await line('refused', key, { ...about, reason: detail });
      throw new Problem('signing-refused', { detail });
    };
    /** A caller that keeps asking too fast fills no disk: one line a second tells it. */
    const slowDown = async (key: string, about: Partial<SignerLogLine>): Promise<never> => {
      const now = clock.now().getTime();
      if (now - (lastLimited.get(`${caller} ${key}`) ?? Number.NEGATIVE_INFINITY) >= LIMITED_LINE_EVERY_MS) {
        lastLimited.set(`${caller} ${key}`, now);
        await line('limited', key, about);
      }
      throw new Problem('signing-too-fast', { retryAfterSeconds: 60 });
    };

    return {
      suites: inner.suites,

      async find(name) {
        return maySee(policy(), caller, name) ? inner.find(name) : undefined;
      },

      async create(name, suite, purposes) {
        const fault = refusalTo('create', policy(), { caller, keyName: name, purposes }) ?? faultOfPurposes(name, purposes);
        if (fault) return refuse(name, fault);
        if (await inner.find(name)) throw new Problem('key-exists');
        await line('key-creating', name);
        const key = await inner.create(name, suite, purposes);
        await line('key-created', name, { publicKey: hashOf(key.spki) });
        return key;
      },

      async retire(name, successor) {
        const key = await inner.find(name);
        if (!key) throw new Problem('key-not-found');
        const asked = { caller, keyName: name, purposes: key.purposes };
        const ending = successor === undefined ? (isSealKey(key) && ruleToEnd(policy(), asked)) || NO_END : undefined;
        const fault = ending
          ? ending.fault
          : (refusalTo('retire', policy(), asked) ?? (await faultOfSuccession(inner, key, successor ?? '')));
        if (fault) return refuse(name, fault);
        if (key.retired) return;
        const about = { publicKey: hashOf(key.spki), ...(ending ? { reason: 'for good, without a successor' } : {}) };
        if (ending && !admitEnd(ending.id, ending.perDay)) return slowDown(name, about);
        await line('key-retiring', name, about);
        await inner.retire(name, successor);
        await line('key-retired', name, about);
      },

      async sign(name, purpose, structure, evidence) {
        // Names and purposes may come from another process: only own words go into the log.
        if (!KEY_PURPOSES.includes(purpose)) return refuse(name, 'the key has another purpose', { structure: hashOf(structure) });
        const about = { purpose, structure: hashOf(structure) };
        const decision = decideCaller(policy(), caller, name, purpose);
        if ('refused' in decision) return refuse(name, decision.refused, about);
        const key = await inner.find(name);
        if (!key) throw new Problem('key-not-found');
        if (!admitRule(decision.id, decision.rule.perMinute) || !admitKey(name, purpose)) return slowDown(name, about);
        const reason = await judge(inner, { key, structure, now: clock.now(), ...(evidence ? { evidence } : {}) }, purpose);
        if (reason) return refuse(name, reason, about);
        const signature = await inner.sign(name, purpose, structure, evidence);
        // On record before it leaves: a signature that cannot be noted is thrown away.
        await line('signed', name, about);
        return signature;
      },

      async rotateLogKey({ compromised }) {
        if (!rotateLogKey) throw new Problem('not-found');
        if (!mayRotateLogKey(policy(), caller)) return refuse(LOG_KEY, 'the policy does not let this caller change the key of the log');
        return rotateLogKey({ compromised, caller });
      },
    };
  };
  return { guarded: true, as, callerOfCertificate: (names) => callerOfCertificate(policy(), names), ...as(OWN_CALLER) };
}

function hashOf(bytes: Uint8Array): string {
  return Buffer.from(digest('sha256', bytes)).toString('hex');
}

type Asked = Pick<SigningCase, 'key' | 'structure' | 'evidence' | 'now'>;

async function judge(inner: KeyStore, asked: Asked, purpose: KeyPurpose): Promise<string | undefined> {
  const rule = RULES[purpose];
  if (!asked.key.purposes.includes(purpose)) return 'the key has another purpose';
  const searchable = 'findByPublicKey' in inner ? (inner as SearchableKeyStore) : undefined;
  return rule({
    ...asked,
    findKey: (name) => inner.find(name),
    ...(searchable ? { findByPublicKey: (spki) => searchable.findByPublicKey(spki) } : {}),
  });
}

/**
 * Whatever a policy says, only the two keys of one seal end without a successor: all other work goes on. Whether that seal has ended is
 * in the database, which the signer does not see; hence the count a day.
 */
function isSealKey({ name, purposes }: StoredKey): boolean {
  const [, kind] = /^seal-\d{14}-(sm2|p256)$/.exec(name) ?? [];
  return purposes.join() === (kind === 'sm2' ? 'seal-signature' : kind === 'p256' ? 'cms-attributes' : '');
}

const NO_END = { fault: 'the policy does not let this caller end this key', id: '', perDay: 0 };

/** Only what has a successor may go, so that nobody is left without a key; an authority keeps up its lists until its certificate ends. */
async function faultOfSuccession(inner: KeyStore, key: StoredKey, successor: string): Promise<string | undefined> {
  if (isAuthorityKey(key.name)) return 'an authority keeps its key: its lists go on';
  const next = successor === key.name ? undefined : await inner.find(successor);
  if (!next || next.retired) return 'no successor is in use';
  const isSame = next.suite === key.suite && next.purposes.join() === key.purposes.join();
  return isSame ? undefined : 'the successor is a key of another kind';
}

/** A key has one purpose, so that a signature made for one can never be shown as another; a CA key has its two, whose structures differ. */
function faultOfPurposes(name: string, purposes: readonly KeyPurpose[]): string | undefined {
  const ofAuthority = (purpose: KeyPurpose) => purpose === 'certificate' || purpose === 'crl';
  if (isAuthorityKey(name))
    return purposes.length === 2 && purposes.every(ofAuthority) ? undefined : 'an authority key signs certificates and lists';
  if (purposes.length !== 1) return 'a key has exactly one purpose';
  return purposes.some(ofAuthority) ? 'only an authority key signs certificates and lists' : undefined;
}
