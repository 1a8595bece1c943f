/** The counter's pages. */
export const COUNTER_SECTIONS = [
  ['/counter', '核验证照', 'Check a licence'],
  ['/counter/history', '我的核验记录', 'My look-ups'],
  ['/counter/offline', '断网怎么办', 'Without network'],
] as const;
