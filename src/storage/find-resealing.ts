/** How far the newest pass from older data keys to the newest (`jobs/reseal-pass.ts`) has come: for commands, metrics and pages. */
import type { Database } from './database.ts';

export interface Resealing {
  pass: number;
  /** The data key to which it seals. */
  version: number;
  /** `waiting` until nobody can seal with an older key any more; then `running`, `clean`, `faulty`. */
  state: 'waiting' | 'running' | 'clean' | 'faulty';
  startedAt: Date;
  endedAt: Date | undefined;
  /** Names in the register of those that it has gone through. */
  placesEnded: string[];
  looked: number;
  resealed: number;
  changed: number;
  faulty: number;
}

export interface ResealFaultView {
  place: string;
  rowId: string;
  reason: string;
}

/** Undefined when there never was one. */
export async function findResealing(db: Database): Promise<Resealing | undefined> {
  const pass = await db.resealPass.findFirst({
    where: { outcome: { not: 'superseded' } },
    orderBy: { id: 'desc' },
    include: { places: true },
  });
  if (!pass) return undefined;
  const sum = (of: 'looked' | 'resealed' | 'changed' | 'faulty') => pass.places.reduce((total, place) => total + place[of], 0);
  return {
    pass: pass.id,
    version: pass.version,
    state: pass.outcome === 'running' && !pass.settledAt ? 'waiting' : (pass.outcome as Resealing['state']),
    startedAt: pass.startedAt,
    endedAt: pass.endedAt ?? undefined,
    placesEnded: pass.places.filter(({ endedAt }) => endedAt).map(({ place }) => place),
    ...{ looked: sum('looked'), resealed: sum('resealed'), changed: sum('changed'), faulty: sum('faulty') },
  };
}

/** What did not open in the newest pass, by place and row; at most `limit`. */
export function findResealFaults(db: Database, { limit }: { limit: number }): Promise<ResealFaultView[]> {
  return db.resealFault.findMany({
    orderBy: [{ passId: 'desc' }, { place: 'asc' }, { rowId: 'asc' }],
    take: limit,
    select: { place: true, rowId: true, reason: true },
  });
}
