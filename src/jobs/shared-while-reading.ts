/** Gauges of one scrape are collected at once, each for itself: they share one reading. */
export function sharedWhileReading<T>(read: () => Promise<T>): () => Promise<T> {
  let current: Promise<T> | undefined;
  return () => {
    current ??= read().finally(() => {
      current = undefined;
    });
    return current;
  };
}
