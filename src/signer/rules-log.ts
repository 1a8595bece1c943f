/** What the keys of the issuance log sign: its heads, and nothing else. */
import { parseTreeHead } from '#pki/tree-head.ts';
import { CLOCK_TOLERANCE_MS, type SigningRule } from './signing-rule.ts';

/** TreeHeadSignature of RFC 6962 §3.5 with the present time. That a log never shrinks is for those who keep its heads to see. */
export const treeHeadRule: SigningRule = ({ structure, now }) => {
  const head = parseTreeHead(structure);
  if (!head) return 'not a tree head';
  return Math.abs(head.at.getTime() - now.getTime()) > CLOCK_TOLERANCE_MS ? 'time is not now' : undefined;
};
