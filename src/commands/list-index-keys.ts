/** The blind-index key and the key of lasting identifiers in `keys list`, with how far a change of the first has come. */
import { indexKeyName } from '#audit/rotate-index-key.ts';
import { type IndexProgress, indexProgress } from '#jobs/change-index-key.ts';
import type { ListedKey } from './list-keys.ts';
import type { Opened } from './with-data-keys.ts';

export async function listIndexKeys({ deps }: { deps: Pick<Opened['deps'], 'db' | 'clock'> }): Promise<ListedKey[]> {
  const rows = await deps.db.dataKey.findMany({
    where: { purpose: { in: ['index', 'identifier'] } },
    orderBy: [{ purpose: 'desc' }, { version: 'asc' }],
    omit: { wrapped: true },
  });
  const now = deps.clock.now();
  const since = (row: (typeof rows)[number]) => row.usedFrom ?? row.createdAt;
  const versions = rows.filter(({ purpose }) => purpose === 'index');
  const counting = versions.filter(({ retiredAt }) => !retiredAt);
  const current = counting.findLast((row) => since(row) <= now) ?? counting[0];
  const isChanging = counting.some(({ version }) => current && version < current.version);
  const progress = isChanging && current ? describeProgress(await indexProgress(deps, current.version)) : '';
  const listed = versions.map((row, place) => {
    const next = versions[place + 1];
    return {
      ...{ kind: 'index', name: indexKeyName(row.version), purposes: ['index'], suite: 'hmac-256' },
      state: row === current ? 'current' : current && row.version > current.version ? 'next' : pastOf(row),
      since: since(row).toISOString(),
      ...(next ? { usedUntil: since(next).toISOString() } : {}),
      ...(row === current && progress ? { progress } : {}),
    };
  });
  const lasting = rows.filter(({ purpose }) => purpose === 'identifier');
  return [
    ...lasting.map(({ createdAt }) => ({
      ...{ kind: 'identifier', name: 'identifier-1', purposes: ['identifier'], suite: 'hmac-256', state: 'current' },
      since: createdAt.toISOString(),
    })),
    ...listed,
  ];
}

/** `leaving`: written no more, but looked for still. */
function pastOf({ compromisedAt, erasedAt, retiredAt }: { compromisedAt: Date | null; erasedAt: Date | null; retiredAt: Date | null }) {
  if (erasedAt) return 'destroyed';
  if (compromisedAt) return 'compromised';
  return retiredAt ? 'retired' : 'leaving';
}

/** `person 1200 moved; licence 300 moved, 2 left`. */
export function describeProgress(passes: readonly IndexProgress[]): string {
  const describe = ({ target, moved, left, looked, isClean }: IndexProgress) =>
    `${target}: ${moved} indexed anew${left ? `, ${left} cannot be` : ''}${isClean ? ', done' : `, ${looked} looked at in this pass`}`;
  return passes.map(describe).join('; ') || 'not begun';
}
