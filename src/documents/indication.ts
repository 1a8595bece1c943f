/**
 * A signature's verdict in the words of EN 319 102-1 §5.1.3 (tables 5 and 6). One table from reasons to sub-indications; our own
 * verdict stays what decides. Two verdicts are stricter than the standard's main indication: `not-valid` for a certificate that
 * was revoked or had expired (there INDETERMINATE, because a proof of an earlier signature might still turn up), and
 * `genuine` is kinder where a claimed time excuses later expiry (there INDETERMINATE too).
 */
import type { Verdict } from './verdict.ts';

export type Indication = 'TOTAL-PASSED' | 'INDETERMINATE' | 'TOTAL-FAILED';

export type SubIndication =
  | 'FORMAT_FAILURE'
  | 'HASH_FAILURE'
  | 'SIG_CRYPTO_FAILURE'
  | 'NOT_YET_VALID'
  | 'REVOKED_NO_POE'
  | 'OUT_OF_BOUNDS_NO_POE'
  | 'NO_SIGNING_CERTIFICATE_FOUND'
  | 'NO_CERTIFICATE_CHAIN_FOUND'
  | 'CHAIN_CONSTRAINTS_FAILURE'
  | 'CERTIFICATE_CHAIN_GENERAL_FAILURE'
  | 'CRYPTO_CONSTRAINTS_FAILURE'
  | 'SIG_CONSTRAINTS_FAILURE'
  | 'TIMESTAMP_ORDER_FAILURE'
  | 'TRY_LATER';

export interface EtsiIndication {
  indication: Indication;
  subIndication?: SubIndication;
}

type Row = readonly [reasons: RegExp, subIndication: SubIndication];

/** In the order of the standard's building blocks; the first row that fits one of the reasons counts. */
const FAILED: readonly Row[] = [
  // §5.2.2 format checking; a change after signing that is not allowed leaves no document the signature is over
  [/^(byte-range-|contents-|content-|wrong-type$|duplicate-keys$|signature-in-object-stream$|cms-unreadable$)/, 'FORMAT_FAILURE'],
  [/^(attributes-unreadable|message-digest-missing|digest-algorithms-differ|no-signer|several-signers)$/, 'FORMAT_FAILURE'],
  [/^(signed-|signature-removed|signature-not-in-signed-revision|change-not-allowed|bytes-after-signature)/, 'FORMAT_FAILURE'],
  [/^(unsupported-subfilter|seal-signature-unreadable|timestamp-unreadable|signer-certificate-unreadable)$/, 'FORMAT_FAILURE'],
  // §5.2.7 cryptographic verification
  [/^(digest-mismatch|timestamp-over-other-data)$/, 'HASH_FAILURE'],
  [/^(signature-mismatch|timestamp-signature-mismatch)$/, 'SIG_CRYPTO_FAILURE'],
  [/^signer-not-yet-valid$/, 'NOT_YET_VALID'],
];

const INDETERMINATE: readonly Row[] = [
  // §5.2.3 identification of the signing certificate
  [
    /^(signer-certificate-missing|no-certificate|signing-certificate-differs|timestamp-without-certificate)$/,
    'NO_SIGNING_CERTIFICATE_FOUND',
  ],
  [/^timestamp-names-another-signer$/, 'NO_SIGNING_CERTIFICATE_FOUND'],
  // §5.2.6 validation of the certificate; §5.6.2 past validation found no proof of existence before the end
  [/-chain-untrusted$/, 'NO_CERTIFICATE_CHAIN_FOUND'],
  [/^(signer|maker|timestamp)-revoked$/, 'REVOKED_NO_POE'],
  [/^((signer|maker|timestamp)-expired|time-not-proven|timestamp-not-renewed)$/, 'OUT_OF_BOUNDS_NO_POE'],
  [/^(weak-digest|timestamp-weak-digest|unsupported-|timestamp-(digest|algorithm)-unsupported)/, 'CRYPTO_CONSTRAINTS_FAILURE'],
  [/^(signer|maker|timestamp)-(weak-algorithm|unsupported-algorithm)$/, 'CRYPTO_CONSTRAINTS_FAILURE'],
  [/^(signer|maker|timestamp)-(wrong-key-usage|wrong-purpose|wrong-profile|is-a-ca)$/, 'CHAIN_CONSTRAINTS_FAILURE'],
  [/^timestamp-order$/, 'TIMESTAMP_ORDER_FAILURE'],
  [
    /^((maker|timestamp)-not-yet-valid|(signer|maker|timestamp)-(?!revoked-later|in-seal|in-the-future).+)$/,
    'CERTIFICATE_CHAIN_GENERAL_FAILURE',
  ],
  // §5.2.8 signature acceptance
  [
    /^(signing-certificate-|signed-in-the-future|timestamp-in-the-future|signer-not-in-seal|change-outside-signature)/,
    'SIG_CONSTRAINTS_FAILURE',
  ],
  [/^revocation-unknown$/, 'TRY_LATER'],
];

/** What no row speaks of, by the verdict alone. */
const BY_VERDICT: Record<Exclude<Verdict, 'unsigned'>, EtsiIndication> = {
  malformed: { indication: 'TOTAL-FAILED', subIndication: 'FORMAT_FAILURE' },
  altered: { indication: 'TOTAL-FAILED', subIndication: 'FORMAT_FAILURE' },
  unsupported: { indication: 'INDETERMINATE', subIndication: 'CRYPTO_CONSTRAINTS_FAILURE' },
  'not-valid': { indication: 'INDETERMINATE', subIndication: 'SIG_CONSTRAINTS_FAILURE' },
  'partly-covered': { indication: 'INDETERMINATE', subIndication: 'SIG_CONSTRAINTS_FAILURE' },
  'untrusted-signer': { indication: 'INDETERMINATE', subIndication: 'NO_CERTIFICATE_CHAIN_FOUND' },
  genuine: { indication: 'TOTAL-PASSED' },
};

/** @param reasons of one signature's report. */
export function indicationOf(verdict: Exclude<Verdict, 'unsigned'>, reasons: readonly string[]): EtsiIndication {
  const find = (rows: readonly Row[]) => rows.find(([pattern]) => reasons.some((reason) => pattern.test(reason)))?.[1];
  const isGood = verdict === 'genuine' || verdict === 'untrusted-signer' || verdict === 'partly-covered';
  const failed = isGood ? undefined : find(FAILED);
  if (failed) return { indication: 'TOTAL-FAILED', subIndication: failed };
  if (verdict === 'malformed' || verdict === 'altered') return BY_VERDICT[verdict];
  const open = find(INDETERMINATE);
  return open ? { indication: 'INDETERMINATE', subIndication: open } : BY_VERDICT[verdict];
}
