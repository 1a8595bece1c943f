/** What is said of bulk sealing on pages: states of jobs and files, places of the seal. */
import type { SealPlaceRule } from '#documents/seal-place.ts';
import type { SealJobFileStatus, SealJobStatus, SealJobView } from '#seals/seal-job.ts';
import type { StatusWords } from './wording.ts';

const STATES: Record<SealJobStatus, StatusWords> = {
  collecting: { zh: '待开始', en: 'Not started', tone: 'warn' },
  running: { zh: '进行中', en: 'Running', tone: 'info' },
  paused: { zh: '已暂停', en: 'Paused', tone: 'warn' },
  done: { zh: '已完成', en: 'Done', tone: 'good' },
  cancelled: { zh: '已取消', en: 'Cancelled', tone: 'quiet' },
};

const FILE_STATES: Record<SealJobFileStatus, StatusWords> = {
  waiting: { zh: '等待中', en: 'Waiting', tone: 'quiet' },
  sealed: { zh: '已盖章', en: 'Sealed', tone: 'good' },
  failed: { zh: '未盖章', en: 'Failed', tone: 'bad' },
};

const PAGES: Record<string, { zh: string; en: string }> = {
  last: { zh: '末页', en: 'Last page' },
  first: { zh: '首页', en: 'First page' },
  all: { zh: '每页', en: 'Every page' },
  seam: { zh: '骑缝章', en: 'Across the edges of all pages' },
};

export const sealJobWords = {
  /** A job that ended with failures is not green. */
  state({ status, files }: Pick<SealJobView, 'status' | 'files'>): StatusWords {
    return status === 'done' && files.failed > 0
      ? { zh: `已完成，${files.failed} 份未盖章`, en: `Done, ${files.failed} failed`, tone: 'warn' }
      : STATES[status];
  },
  stateOf: (status: SealJobStatus): StatusWords => STATES[status],
  fileState: (status: SealJobFileStatus): StatusWords => FILE_STATES[status],
  pages: PAGES,
  /** Where the seal goes, in words. */
  place({ page = 'last', xMm, fromRightMm, yMm, fromBottomMm }: SealPlaceRule): { zh: string; en: string } {
    const on = typeof page === 'number' ? { zh: `第 ${page} 页`, en: `Page ${page}` } : (PAGES[page] ?? { zh: page, en: page });
    if (page === 'seam') return on;
    const across = xMm === undefined ? ['右', 'right', fromRightMm ?? 45] : ['左', 'left', xMm];
    const down = yMm === undefined ? ['下', 'bottom', fromBottomMm ?? 55] : ['上', 'top', yMm];
    return {
      zh: `${on.zh}，章心距${across[0]}边 ${across[2]} 毫米、距${down[0]}边 ${down[2]} 毫米`,
      en: `${on.en}, centre ${across[2]} mm from the ${across[1]} and ${down[2]} mm from the ${down[1]} edge`,
    };
  },
};
