import type { DomainControl } from '#ports/domain-control.ts';

/** SIMULATOR: believes every name but those below `unproven.`, and asks nobody. Production refuses it. */
export function simulatedDomainControl(): DomainControl {
  return { check: async ({ name }) => (name.startsWith('unproven.') ? 'not-found' : undefined) };
}
