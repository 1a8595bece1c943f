/** How keys of authorities are named, and which of them there are: `ca-<area>-<suite>`, a successor with `-<generation>` behind it. */
import type { Suite } from '#crypto/suite.ts';
import { ISSUING_AREAS } from '#pki/profiles.ts';
import type { StoredKey } from '#ports/key-store.ts';

const NAME = new RegExp(`^ca-(root|issuing|${ISSUING_AREAS.join('|')})-(sm2|p256)(?:-([1-9][0-9]{0,3}))?$`);
/** More successors than any area sees in the life of its root. */
const MAX_GENERATIONS = 100;

/** Area of an authority's key, `issuing` for the one authority of earlier installations; undefined for every other key. */
export function areaOfKey(name: string): string | undefined {
  return NAME.exec(name)?.[1];
}

/** The issuing authority's key that `isWanted`; the first generation of each area is looked at before the second. */
export async function findIssuingKey(
  findKey: (name: string) => Promise<StoredKey | undefined>,
  suite: Suite,
  isWanted: (key: StoredKey) => boolean,
): Promise<StoredKey | undefined> {
  const label = suite === 'sm2-sm3' ? 'sm2' : 'p256';
  for (let generation = 1; generation <= MAX_GENERATIONS; generation++) {
    let isAny = false;
    for (const area of [...ISSUING_AREAS, 'issuing']) {
      const key = await findKey(`ca-${area}-${label}${generation === 1 ? '' : `-${generation}`}`);
      isAny ||= key !== undefined;
      if (key && isWanted(key)) return key;
    }
    if (!isAny) return undefined;
  }
  return undefined;
}
