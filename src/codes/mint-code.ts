/**
 * Minting a code: draw an id, sign, done. Nothing is written to the database and no lock is taken; the only trace is the
 * twin's entry in the short-lived store, which leads from the twenty digits to the code. When that store does not answer,
 * the code is shown without a twin rather than not at all.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '#ports/clock.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { assembleCode, codeToBeSigned } from './code-envelope.ts';
import type { CodeKeyRing } from './code-key-ring.ts';
import { CODE_ID_BYTES, CODE_LIFE_SECONDS, type CodeContent } from './code-types.ts';
import { decimalFromBytes } from './decimal-text.ts';
import { shortNumberOf } from './short-number.ts';

export interface MintDeps {
  clock: Clock;
  keys: KeyStore;
  ephemeral: EphemeralStore;
  codes: CodeKeyRing;
}

export interface MintedCode {
  /** For QR numeric mode. */
  digits: string;
  /** The twin; null when the short-lived store does not answer. */
  shortNumber: string | null;
  /** Hexadecimal. */
  codeId: string;
  issuedAt: Date;
  expiresAt: Date;
  lifeSeconds: number;
}

/** The twin outlives the code, so that a number typed too late is told to be expired, not unknown. */
const TWIN_TTL_SECONDS = CODE_LIFE_SECONDS + 600;

export type MintInput = Pick<CodeContent, 'licenceTypeNumber' | 'statusIndex' | 'maskedName'>;

/** @param input.maskedName makes it a `named-licence` code; at most 16 bytes of UTF-8. */
export async function mintCode(deps: MintDeps, input: MintInput): Promise<MintedCode> {
  const { clock, keys, ephemeral, codes } = deps;
  const key = await codes.mintKey();
  const codeId = randomBytes(CODE_ID_BYTES);
  const issuedAtSeconds = Math.floor(clock.now().getTime() / 1000);
  const expiresAtSeconds = issuedAtSeconds + CODE_LIFE_SECONDS;
  const toBeSigned = codeToBeSigned(key.header, {
    ...input,
    codeType: input.maskedName === undefined ? 'licence' : 'named-licence',
    codeId,
    issuedAtSeconds,
    expiresAtSeconds,
  });
  const signature = await keys.sign(key.keyName, 'code', toBeSigned);
  const digits = decimalFromBytes(assembleCode(key.header, toBeSigned, signature));
  return {
    digits,
    shortNumber: await rememberTwin(ephemeral, codeId, digits),
    codeId: codeId.toString('hex'),
    issuedAt: new Date(issuedAtSeconds * 1000),
    expiresAt: new Date(expiresAtSeconds * 1000),
    lifeSeconds: CODE_LIFE_SECONDS,
  };
}

async function rememberTwin(ephemeral: EphemeralStore, codeId: Uint8Array, digits: string): Promise<string | null> {
  const shortNumber = shortNumberOf(codeId);
  try {
    // Two codes alive with one number: one in 10^13 at a million alive. The second then has no twin.
    return (await ephemeral.setIfAbsent(twinKey(shortNumber), digits, TWIN_TTL_SECONDS)) ? shortNumber : null;
  } catch {
    return null;
  }
}

/** The code a twin stands for, while it is remembered. */
export async function findCodeOfTwin(ephemeral: EphemeralStore, shortNumber: string): Promise<string | undefined> {
  return ephemeral.get(twinKey(shortNumber));
}

function twinKey(shortNumber: string): string {
  return `codes:twin:${shortNumber}`;
}
