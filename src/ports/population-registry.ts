/** The register of the population: says whether a name and a citizen number belong together, and nothing else. */
export interface PopulationRegistry {
  /** Simulators say so, and production refuses them. */
  readonly simulator: boolean;
  /** Named as the source of the evidence. */
  readonly name: string;
  /** Throws Problem `unavailable` when the register does not answer. */
  match(claim: { name: string; citizenNumber: string }): Promise<'match' | 'mismatch' | 'no-record'>;
}
