/** How much drawing one picture may cost. A page beyond it is refused: nobody's file may hold the machine. */
import { Problem } from '#problem.ts';

export class PictureBudget {
  #left = { objects: 60_000, glyphs: 250_000, pathNumbers: 3_000_000, imagePixels: 60_000_000, characters: 48_000_000 };

  spend(what: 'objects' | 'glyphs' | 'pathNumbers' | 'imagePixels' | 'characters', amount = 1): void {
    this.#left[what] -= amount;
    if (this.#left[what] < 0) throw new Problem('picture-not-possible', { detail: `The page is too large to be drawn (${what}).` });
  }
}
