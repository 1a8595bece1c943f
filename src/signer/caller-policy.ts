/**
 * Who may ask for what: which caller, which keys, which purposes, how often, and who may have new keys made. What is asked for
 * must besides pass the rule of its purpose; this page only says who may ask.
 */
import { z } from 'zod';
import type { Clock } from '#ports/clock.ts';
import { KEY_PURPOSES, type KeyPurpose } from '#ports/key-store.ts';

/** Whose commands change what concerns the signer itself. */
export const OPERATOR = 'operator';

/** The caller inside this process, and whoever shows the one token of an installation that has a single one. */
export const OWN_CALLER = 'service';

const PATTERN = /^(?=.{1,100}$)[a-z0-9*][a-z0-9*-]*$/;
const CALLER = /^[a-z][a-z0-9-]{0,49}$/;

const ruleShape = z.strictObject({
  /** Names of keys; `*` stands for any characters. */
  keys: z.array(z.string().regex(PATTERN, 'is no key name or pattern')).min(1).max(100),
  purposes: z.array(z.enum(KEY_PURPOSES).exclude(['signer-log'])).min(1),
  /** Whether this caller may have such keys made. */
  create: z.boolean().default(false),
  /** Whether this caller may have such a key retired once its successor is there. */
  retire: z.boolean().default(false),
  /** So many keys of seals that have ended a day this caller may have destroyed under this rule, without a successor. Default: none. */
  endPerDay: z.int().min(0).max(100_000).optional(),
  /** Signatures a minute under this rule, all its keys together. Without it only the limits of each key hold. */
  perMinute: z.int().min(0).max(10_000_000).optional(),
});

const policyShape = z.strictObject({
  version: z.literal(1),
  callers: z.record(
    z.string().regex(CALLER, 'is no caller name'),
    z.strictObject({
      /** Names (DNS or URI of the subjectAltName, else the common name) in a certificate of this caller; default: the caller's own name. */
      certificates: z.array(z.string().min(1).max(253)).max(20).optional(),
      rules: z.array(ruleShape).max(100),
      /** Whether this caller may let the next key of the signer's own log take over: the operator at the command line, nobody else. */
      rotateLogKey: z.boolean().optional(),
    }),
  ),
});

export type SignerPolicy = z.infer<typeof policyShape>;
export type PolicyRule = z.infer<typeof ruleShape>;

/** Reads a policy from JSON text. Throws a plain Error naming every fault. */
export function parsePolicy(text: string): SignerPolicy {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error('the policy is not JSON', { cause });
  }
  const parsed = policyShape.safeParse(value);
  if (!parsed.success) throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  const names = Object.entries(parsed.data.callers).flatMap(([caller, { certificates }]) => certificates ?? [caller]);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`two callers have a certificate named ${twice}`);
  return parsed.data;
}

const ROOTS = { keys: ['ca-root-*'], purposes: ['certificate', 'crl'], create: true, retire: false, perMinute: 60 } satisfies PolicyRule;
const all = (...except: KeyPurpose[]): PolicyRule => ({
  keys: ['*'],
  purposes: KEY_PURPOSES.filter((purpose) => purpose !== 'signer-log' && !except.includes(purpose)) as PolicyRule['purposes'],
  create: true,
  retire: false,
});
/** Either process may be the first to start and then has the key made, whoever signs with it later. */
const MAKE_ONLY = { create: true, retire: false, perMinute: 0 } as const;

/** Two keys a seal: more than a city destroys, and a stolen worker leaves the rest until somebody sees it. */
const SEALS_THAT_ENDED = {
  ...{ keys: ['seal-*'], purposes: ['seal-signature', 'cms-attributes'], create: false, retire: false },
  ...{ perMinute: 0, endPerDay: 200 },
} satisfies PolicyRule;

/**
 * Without a file: a single process or token may ask for everything; of two, the web signs no audit checkpoints, so that who took it
 * cannot cover his tracks in the audit trail, and the worker mints no codes and no receipts. Only the worker retires keys, and ends those of seals. Neither
 * changes the key that vouches for the log of what they did: `operator` does, which signs nothing.
 */
export const DEFAULT_POLICY: SignerPolicy = {
  version: 1,
  callers: {
    [OWN_CALLER]: { rules: [{ ...all(), retire: true }, SEALS_THAT_ENDED], rotateLogKey: true },
    [OPERATOR]: { rules: [], rotateLogKey: true },
    web: { rules: [ROOTS, all('audit-checkpoint'), { ...MAKE_ONLY, keys: ['audit-*'], purposes: ['audit-checkpoint'] }] },
    worker: {
      rules: [
        ROOTS,
        { ...all('code', 'receipt'), retire: true },
        { ...MAKE_ONLY, keys: ['*'], purposes: ['code', 'receipt'], retire: true },
        SEALS_THAT_ENDED,
      ],
    },
  },
};

export type PolicyDecision = { rule: PolicyRule; id: string } | { refused: string };

/** The first rule for this key and purpose decides. */
export function decideCaller(policy: SignerPolicy, caller: string, keyName: string, purpose: KeyPurpose): PolicyDecision {
  const entry = entryOf(policy, caller);
  if (!entry) return { refused: 'the policy does not know this caller' };
  const at = entry.rules.findIndex((rule) => matches(rule, keyName) && rule.purposes.some((allowed) => allowed === purpose));
  const rule = entry.rules[at];
  if (!rule || rule.perMinute === 0) return { refused: 'the policy does not let this caller use this key for that' };
  return { rule, id: `${caller}#${at}` };
}

/** Undefined when this caller may have the key made, or retired; otherwise why not. */
export function refusalTo(
  act: 'create' | 'retire',
  policy: SignerPolicy,
  { caller, keyName, purposes }: { caller: string; keyName: string; purposes: readonly KeyPurpose[] },
): string | undefined {
  const entry = entryOf(policy, caller);
  if (!entry) return 'the policy does not know this caller';
  const may = purposes.every((purpose) =>
    entry.rules.some((rule) => rule[act] && matches(rule, keyName) && rule.purposes.some((allowed) => allowed === purpose)),
  );
  return may ? undefined : `the policy does not let this caller ${act === 'create' ? 'make' : 'retire'} this key`;
}

/** The rule that lets this caller have this key destroyed without a successor, and how often a day. */
export function ruleToEnd(
  policy: SignerPolicy,
  { caller, keyName, purposes }: { caller: string; keyName: string; purposes: readonly KeyPurpose[] },
): { id: string; perDay: number; fault?: undefined } | undefined {
  const rules = entryOf(policy, caller)?.rules ?? [];
  const at = rules.findIndex(
    (rule) => rule.endPerDay && matches(rule, keyName) && purposes.every((purpose) => rule.purposes.some((allowed) => allowed === purpose)),
  );
  const perDay = rules[at]?.endPerDay;
  return perDay ? { id: `${caller}#${at} end`, perDay } : undefined;
}

export function mayRotateLogKey(policy: SignerPolicy, caller: string): boolean {
  return entryOf(policy, caller)?.rotateLogKey ?? false;
}

/** Whether any rule of the caller names the key: others are not even described to it. */
export function maySee(policy: SignerPolicy, caller: string, keyName: string): boolean {
  return entryOf(policy, caller)?.rules.some((rule) => matches(rule, keyName)) ?? false;
}

/** The caller whose certificate bears one of these names; undefined for a stranger. */
export function callerOfCertificate(policy: SignerPolicy, names: readonly string[]): string | undefined {
  return Object.entries(policy.callers).find(([caller, { certificates }]) =>
    (certificates ?? [caller]).some((name) => names.includes(name)),
  )?.[0];
}

/** Counts acts under each rule in a bucket that refills evenly, in a minute unless said otherwise; false when it is empty. */
export function ruleRateLimit(clock: Clock, periodMs = 60_000): (id: string, perPeriod: number | undefined) => boolean {
  const buckets = new Map<string, { left: number; at: number }>();
  return (id, perPeriod) => {
    if (perPeriod === undefined) return true;
    const now = clock.now().getTime();
    const bucket = buckets.get(id) ?? { left: perPeriod, at: now };
    bucket.left = Math.min(perPeriod, bucket.left + (Math.max(0, now - bucket.at) * perPeriod) / periodMs);
    bucket.at = now;
    buckets.set(id, bucket);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  };
}

function entryOf(policy: SignerPolicy, caller: string): SignerPolicy['callers'][string] | undefined {
  return Object.hasOwn(policy.callers, caller) ? policy.callers[caller] : undefined;
}

function matches({ keys }: PolicyRule, name: string): boolean {
  return keys.some((pattern) => isMatch(pattern, name));
}

/** `*` as any run of characters; each part is sought once, leftmost, so that no pattern takes long. */
function isMatch(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (parts.length === 1) return pattern === name;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const at = name.indexOf(part, from);
    if (at < 0 || at + part.length > name.length - last.length) return false;
    from = at + part.length;
  }
  return true;
}
