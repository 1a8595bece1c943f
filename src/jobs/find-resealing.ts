/** How far the newest pass has come: for commands and metrics. */
import type { Database } from '#storage/database.ts';
import { placeNames } from './reseal-pass.ts';

export interface Resealing {
  pass: number;
  /** The data key to which it seals. */
  version: number;
  /** `waiting` until nobody can seal with an older key any more; then `running`, `clean`, `faulty`. */
  state: 'waiting' | 'running' | 'clean' | 'faulty';
  startedAt: Date;
  endedAt: Date | undefined;
  /** Of the register. */
  places: number;
  placesEnded: number;
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
  const names = placeNames();
  return {
    pass: pass.id,
    version: pass.version,
    state: pass.outcome === 'running' && !pass.settledAt ? 'waiting' : (pass.outcome as Resealing['state']),
    startedAt: pass.startedAt,
    endedAt: pass.endedAt ?? undefined,
    places: names.length,
    placesEnded: names.filter((name) => pass.places.some(({ place, endedAt }) => place === name && endedAt)).length,
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
