/**
 * The keys behind codes, held in memory: the one to sign with now, and all to verify with. Made once per process, so that
 * showing a code asks the database for no key. A key takes over at a time written down beforehand (`rotate-code-key.ts`),
 * so a copy that is half a minute old is never wrong.
 */
import { importPublicKey } from '#crypto/suite.ts';
import type { Clock } from '#ports/clock.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { Problem } from '#problem.ts';
import type { Database } from '#storage/database.ts';
import { keyNamesOf } from '#storage/key-generations.ts';
import { type CodeSuite, protectedHeader } from './code-envelope.ts';
import type { VerificationKey } from './code-keys.ts';
import { CODE_LIFE_SECONDS } from './code-types.ts';

export const RECEIPT_KEY = { name: 'receipt-p256', suite: 'es256', purpose: 'receipt' } as const;
export const STATUS_LIST_KEY = { name: 'status-list-p256', suite: 'es256', purpose: 'status-list' } as const;

export interface MintKey {
  kid: number;
  keyName: string;
  suite: CodeSuite;
  /** The protected header, ready. */
  header: Uint8Array;
}

export interface CodeKeyRing {
  /** The key to sign a code with now. @throws Problem `unavailable` before `ensureCodeKeys` ran. */
  mintKey(): Promise<MintKey>;
  /** The key of that number, retired ones too. */
  findCodeKey(kid: number): Promise<VerificationKey | undefined>;
  /** All public keys: codes, and of status list and receipts every generation. */
  verificationKeys(): Promise<VerificationKey[]>;
  /** Forgets what is in memory; after a rotation in this process. */
  refresh(): void;
}

interface Loaded {
  at: number;
  rows: { kid: number; keyName: string; suite: CodeSuite; mintFrom: Date; mintUntil: Date | null; header: Uint8Array }[];
  byKid: Map<number, VerificationKey>;
}

const MAX_AGE_MS = 30_000;
/** A stranger may send any number: an unknown one makes us look again, but not more often than this. */
const UNKNOWN_KEY_PAUSE_MS = 1_000;
/** A code minted in the last moment of a key, by a process with an old copy, still counts. */
const GRACE_MS = MAX_AGE_MS + CODE_LIFE_SECONDS * 1000;

export function codeKeyRing(deps: { db: Database; clock: Clock; keys: KeyStore }, options: { suite?: CodeSuite } = {}): CodeKeyRing {
  const { db, clock, keys } = deps;
  const suite = options.suite ?? 'es256';
  let loading: Promise<Loaded> | undefined;
  let loaded: Loaded | undefined;

  const load = (): Promise<Loaded> => {
    loading ??= readKeys(db, clock)
      .then((fresh) => {
        loaded = fresh;
        return fresh;
      })
      .finally(() => {
        loading = undefined;
      });
    return loading;
  };
  const current = async (): Promise<Loaded> => (loaded && Math.abs(clock.now().getTime() - loaded.at) < MAX_AGE_MS ? loaded : load());

  return {
    async mintKey() {
      const { rows } = await current();
      const now = clock.now();
      const row = rows.find(
        (candidate) => candidate.suite === suite && candidate.mintFrom <= now && !(candidate.mintUntil && candidate.mintUntil <= now),
      );
      if (!row) throw new Problem('unavailable', { detail: 'No code key is active.', detailZh: '暂无可用的制码密钥。' });
      return row;
    },
    async findCodeKey(kid) {
      const known = (await current()).byKid.get(kid);
      if (known || clock.now().getTime() - (loaded?.at ?? 0) < UNKNOWN_KEY_PAUSE_MS) return known;
      return (await load()).byKid.get(kid);
    },
    async verificationKeys() {
      const { byKid } = await current();
      const others: VerificationKey[] = [];
      for (const { name: base, purpose } of [STATUS_LIST_KEY, RECEIPT_KEY]) {
        for (const name of await keyNamesOf(db, base)) {
          const stored = await keys.find(name);
          if (stored) others.push({ kid: name, purpose, publicKey: importPublicKey(stored.spki), validFrom: new Date(0) });
        }
      }
      return [...byKid.values(), ...others];
    },
    refresh() {
      loaded = undefined;
    },
  };
}

async function readKeys(db: Database, clock: Clock): Promise<Loaded> {
  const rows = await db.codeKey.findMany({ orderBy: { mintFrom: 'desc' } });
  return {
    at: clock.now().getTime(),
    rows: rows.map((row) => ({ ...row, suite: row.suite as CodeSuite, header: protectedHeader(row.suite as CodeSuite, row.kid) })),
    byKid: new Map(
      rows.map((row) => [
        row.kid,
        {
          kid: String(row.kid),
          purpose: 'code',
          publicKey: importPublicKey(row.spki),
          validFrom: row.mintFrom,
          ...(row.mintUntil ? { validTo: new Date(row.mintUntil.getTime() + GRACE_MS) } : {}),
          ...(row.certificate && row.issuer ? { certificates: [row.certificate, row.issuer] } : {}),
        },
      ]),
    ),
  };
}
