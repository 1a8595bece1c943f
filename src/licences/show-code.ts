/** The holder shows a licence by code: one look at the licence, one signature. No other system is asked and no lock is taken. */

import { MAX_TYPE_SPECIFIC_BYTES } from '#codes/code-types.ts';
import { type MintedCode, mintCode } from '#codes/mint-code.ts';
import { maskName } from '#people/mask.ts';
import { Problem } from '#problem.ts';
import { requireOwnLicence } from './find-licences.ts';
import { openContent } from './licence-content.ts';
import type { LicenceDeps } from './licence-deps.ts';
import { statusAt } from './licence-status.ts';
import { codeNumberOf, requireLicenceType } from './licence-types.ts';

/**
 * @param input.withName the holder wants the masked name inside, for counters without network.
 * Throws Problem `licence-not-found` (also for another's licence), `licence-not-in-force`.
 */
export async function showCode(
  deps: LicenceDeps,
  input: { personId: string; licenceId: string; withName?: boolean | undefined },
): Promise<MintedCode> {
  const row = await requireOwnLicence(deps, input);
  const licenceTypeNumber = codeNumberOf(requireLicenceType(row.typeKey));
  if (licenceTypeNumber === undefined || statusAt(row, deps.clock.now()) !== 'in-force') throw new Problem('licence-not-in-force');
  return mintCode(deps, {
    licenceTypeNumber,
    statusIndex: Number(row.statusIndex),
    ...(input.withName ? { maskedName: shortName(maskName(openContent(deps.fields, row).holder.name)) } : {}),
  });
}

/** Cut at a character, so that it fits the code. */
function shortName(name: string): string {
  let out = '';
  for (const character of name) {
    if (Buffer.byteLength(out + character) > MAX_TYPE_SPECIFIC_BYTES) break;
    out += character;
  }
  return out;
}
