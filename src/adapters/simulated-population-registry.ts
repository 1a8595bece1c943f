import type { PopulationRegistry } from '#ports/population-registry.ts';

/** A simulator of the population register: it knows the people it was given and nobody else. */
export function simulatedPopulationRegistry(
  records: readonly { name: string; citizenNumber: string }[],
): PopulationRegistry & { readonly simulator: true } {
  const names = new Map(records.map(({ name, citizenNumber }) => [citizenNumber, name]));
  return {
    simulator: true,
    name: 'simulated-population-registry',
    async match({ name, citizenNumber }) {
      const registered = names.get(citizenNumber);
      if (registered === undefined) return 'no-record';
      return registered === name ? 'match' : 'mismatch';
    },
  };
}
