/** What keeps a command from reading or writing a file, as a person would say it. */

const WORDS: Record<string, readonly [en: string, zh: string]> = {
  ENOENT: ['is not there', '不存在'],
  ENOTDIR: ['lies under something that is no folder', '所在路径不是目录'],
  EISDIR: ['is a folder, not a file', '是目录，不是文件'],
  EEXIST: ['is there already', '已存在'],
  EACCES: ['may not be opened by this user', '当前用户无权访问'],
  EPERM: ['may not be opened by this user', '当前用户无权访问'],
  EROFS: ['lies on a disk that takes no writing', '所在磁盘只读'],
  ENOSPC: ['does not fit: the disk is full', '无法写入：磁盘已满'],
};

/**
 * A sentence in English and Chinese for what the operating system or a JSON reader says; any other error in its own words.
 * @param path what was to be opened, where the error itself may not name it.
 */
export function fileFault(error: unknown, path?: string): string {
  const { code, path: named, message } = error as NodeJS.ErrnoException;
  const file = named ?? path;
  const words = WORDS[code ?? ''];
  if (words) return file ? `${file} ${words[0]}. / ${file} ${words[1]}。` : `What was named ${words[0]}. / 所指定的路径${words[1]}。`;
  if (error instanceof SyntaxError) return `${file ?? 'The file'} is not JSON. / ${file ?? '文件'} 不是 JSON。`;
  return message;
}
