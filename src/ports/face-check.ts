/** Compares a fresh picture of a face with the document picture of the named person, and judges whether the face was live. Keeps nothing. */
export interface FaceCheck {
  /** Simulators say so, and production refuses them. */
  readonly simulator: boolean;
  readonly name: string;
  /** `picture`: one JPEG or PNG. Throws Problem `unavailable` when the supplier does not answer. */
  check(claim: {
    name: string;
    citizenNumber: string;
    picture: Uint8Array;
  }): Promise<'same-person' | 'another-person' | 'not-live' | 'unreadable'>;
}
