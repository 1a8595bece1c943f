/** The time of day. Everything that expires asks here, so that tests can stand at the edge of an expiry. */
export interface Clock {
  now(): Date;
  /** What to compare this clock with before its time is certified. Default: the clock of the database. */
  reference?(): Promise<Date>;
}
