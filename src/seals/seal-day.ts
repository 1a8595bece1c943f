/** Days as seals are counted by: China's, UTC+8 all year. */
const OFFSET_MS = 8 * 3_600_000;
const DAY_MS = 24 * 3_600_000;

/** `YYYY-MM-DD` in China at this instant. */
export function sealDayOf(at: Date): string {
  return new Date(at.getTime() + OFFSET_MS).toISOString().slice(0, 10);
}

/** The first instant of that day. */
export function startOfSealDay(at: Date): Date {
  return new Date(Math.floor((at.getTime() + OFFSET_MS) / DAY_MS) * DAY_MS - OFFSET_MS);
}

/** Whole seconds until the next day begins, at least 1. */
export function secondsToNextSealDay(at: Date): number {
  return Math.ceil((startOfSealDay(at).getTime() + DAY_MS - at.getTime()) / 1000);
}
