/** `tongren ofd …`: what is in an OFD file, its text, pictures of its pages, and the files inside. Verifies nothing: that is `tongren verify`. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ZipError } from '#documents/container/zip-error.ts';
import { attachmentsOf, describeOfd, type OfdDescription } from '#documents/ofd/describe-ofd.ts';
import { type OfdPackage, openOfd } from '#documents/ofd/ofd-package.ts';
import { pictureOfOfdPage, svgOfOfdPage } from '#documents/ofd/picture-of-ofd.ts';
import { stampsOf } from '#documents/ofd/stamps.ts';
import { taggedFieldsOf, textOfOfd } from '#documents/ofd/text-of-ofd.ts';
import { describeReason } from '#documents/reason-words.ts';
import { DEFAULT_LIMITS } from '#documents/verdict.ts';
import { XmlError } from '#documents/xml/decode-text.ts';
import { Problem } from '#problem.ts';

const EXIT = { good: 0, notThere: 1, unreadable: 2, wrongUse: 3 } as const;

/** `ofd info`: documents, pages, metadata, attachments, fonts, signatures. Returns the exit code, as all here do. */
export function describeOfdFile(path: string, { json }: { json?: boolean }): Promise<number> {
  return withOfd(path, (ofd) => {
    const description = describeOfd(ofd);
    console.log(json ? JSON.stringify(description, null, 2) : inWords(description));
    return EXIT.good;
  });
}

export interface TextOptions {
  page?: number;
  fields?: boolean;
  json?: boolean;
}

/** `ofd text`: lines in reading order, or with `fields` the items of the data index. */
export function printOfdText(path: string, { page, fields, json }: TextOptions): Promise<number> {
  return withOfd(path, (ofd) => {
    if (fields) {
      const items = ofd.documents.flatMap((document) => taggedFieldsOf(ofd, document));
      console.log(json ? JSON.stringify(items, null, 2) : items.map(({ name, text }) => `${name}\t${text}`).join('\n'));
      return items.length > 0 ? EXIT.good : EXIT.notThere;
    }
    const pages = ofd.documents.flatMap((document) => textOfOfd(ofd, document));
    const wanted = page === undefined ? pages : pages.slice(page - 1, page);
    if (wanted.length === 0) return fail(EXIT.notThere, `The file has ${pages.length} pages. / 文件共有${pages.length}页。`);
    console.log(json ? JSON.stringify(wanted, null, 2) : wanted.map(({ lines }) => lines.join('\n')).join('\n\f\n'));
    return EXIT.good;
  });
}

export interface RenderOptions {
  /** From 1; default all. */
  page?: number;
  dpi: number;
  format: 'png' | 'svg';
  out: string;
}

/** `ofd render`: one page to the file `out`, or all pages to files numbered before its extension. */
export function renderOfdFile(path: string, { page, dpi, format, out }: RenderOptions): Promise<number> {
  return withOfd(path, async (ofd, bytes) => {
    const count = describeOfd(ofd).documents[0]?.pages.length ?? 0;
    if (page !== undefined && page > count) return fail(EXIT.notThere, `The file has ${count} pages. / 文件共有${count}页。`);
    const indexes = page === undefined ? Array.from({ length: count }, (_, index) => index) : [page - 1];
    for (const index of indexes) {
      const target = indexes.length === 1 ? out : numbered(out, index + 1);
      await writeFile(target, format === 'svg' ? await svgOfOfdPage(bytes, index) : await pictureOfOfdPage(bytes, index, dpi));
      console.log(target);
    }
    return EXIT.good;
  });
}

export interface ExtractOptions {
  entry?: string;
  attachments?: boolean;
  seals?: boolean;
  out?: string;
}

/** `ofd extract`: lists the entries, or writes one entry, the attachments, or the pictures of the seals. */
export function extractFromOfd(path: string, options: ExtractOptions): Promise<number> {
  return withOfd(path, async (ofd) => {
    const { entry, out } = options;
    if (entry !== undefined) return extractEntry(ofd, entry, out);
    if (!options.attachments && !options.seals) {
      if (out)
        return fail(
          EXIT.wrongUse,
          '--out needs --entry, --attachments or --seals. / 使用 --out 时请指明 --entry、--attachments 或 --seals。',
        );
      for (const [name, { size }] of ofd.archive.entries) console.log(`${String(size).padStart(10)}  ${name}`);
      return EXIT.good;
    }
    if (!out) return fail(EXIT.wrongUse, '--out names the folder to write to. / 请用 --out 指定输出目录。');
    const files = options.attachments ? attachmentFiles(ofd) : sealFiles(ofd);
    await mkdir(out, { recursive: true });
    for (const [name, bytes] of files) {
      const target = join(out, name);
      await writeFile(target, bytes, { flag: 'wx' });
      console.log(target);
    }
    return files.size > 0 ? EXIT.good : fail(EXIT.notThere, 'There is nothing of that kind in the file. / 文件中没有此类内容。');
  });
}

async function extractEntry(ofd: OfdPackage, entry: string, out: string | undefined): Promise<number> {
  const name = entry.replace(/^\/+/, '');
  if (!ofd.archive.has(name)) return fail(EXIT.notThere, `No entry ${entry}. / 没有该条目。`);
  if (out) await writeFile(out, ofd.read(name));
  else process.stdout.write(ofd.read(name));
  return EXIT.good;
}

/** File name → bytes. Names come from the file, so only their last part is taken, and none twice. */
function attachmentFiles(ofd: OfdPackage): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const document of ofd.documents) {
    for (const { entry } of attachmentsOf(ofd, document)) {
      if (entry) files.set(unusedName(files, basename(entry)), ofd.read(entry));
    }
  }
  return files;
}

function sealFiles(ofd: OfdPackage): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const written = new Set<number>();
  for (const { signatureIndex, picture } of stampsOf(ofd)) {
    if (written.has(signatureIndex)) continue;
    written.add(signatureIndex);
    const extension = picture.type.toLowerCase().replace(/[^a-z0-9]/g, '') || 'bin';
    files.set(unusedName(files, `seal-${signatureIndex + 1}.${extension}`), picture.data);
  }
  return files;
}

function unusedName(files: ReadonlyMap<string, unknown>, wanted: string): string {
  const safe = wanted.replace(/[^\p{L}\p{N}._-]/gu, '_').replace(/^\.+/, '_') || 'file';
  let name = safe;
  for (let n = 2; files.has(name); n++) name = numbered(safe, n);
  return name;
}

function numbered(path: string, number: number): string {
  return path.replace(/(\.[^./\\]*)?$/, (extension) => `-${number}${extension}`);
}

/** Reads the file within limits and says in a sentence why it cannot. */
async function withOfd(path: string, work: (ofd: OfdPackage, bytes: Uint8Array) => number | Promise<number>): Promise<number> {
  try {
    if ((await stat(path)).size > DEFAULT_LIMITS.maxFileBytes) return fail(EXIT.unreadable, sentenceOf('file-too-large'));
    const bytes = await readFile(path);
    return await work(openOfd(bytes), bytes);
  } catch (error) {
    if (error instanceof ZipError || error instanceof XmlError) return fail(EXIT.unreadable, sentenceOf(error.reason));
    if (error instanceof Problem) return fail(EXIT.unreadable, `${error.detail ?? error.message}`);
    const { code, path: where } = error as NodeJS.ErrnoException;
    if (code) return fail(EXIT.unreadable, `${where ?? path}: ${code === 'EEXIST' ? 'exists already / 文件已存在' : `${code}`}`);
    throw error;
  }
}

function sentenceOf(reason: string): string {
  const words = describeReason(reason);
  return words ? `${words.en} / ${words.zh} [${reason}]` : reason;
}

function fail(code: number, sentence: string): number {
  console.error(sentence);
  return code;
}

function inWords(description: OfdDescription): string {
  const { version, docType, entries, inflatedBytes, encrypted, warnings, documents } = description;
  const lines = [
    `OFD ${version ?? '?'} ${docType ?? ''}: ${entries} entries / 条目, ${inflatedBytes} bytes inflated / 解压后字节${encrypted ? ', encrypted / 已加密' : ''}`,
    ...warnings.map((warning) => `  ! ${sentenceOf(warning)}`),
  ];
  for (const document of documents) {
    const sizes = [...new Set(document.pages.map(({ widthMm, heightMm }) => `${widthMm}×${heightMm} mm`))].join(', ');
    lines.push(
      `Document / 文档 ${document.index + 1}: ${document.title ?? '—'}`,
      `  author / 作者: ${document.author ?? '—'}; creator / 软件: ${document.creator ?? '—'}; created / 创建: ${document.creationDate ?? '—'}`,
      `  pages / 页: ${document.pages.length} (${sizes}); templates / 模板: ${document.templates}`,
      `  fonts / 字体: ${document.fonts.map(({ name, embedded }) => `${name}${embedded ? '' : ' (not embedded / 未嵌入)'}`).join(', ') || '—'}`,
      ...document.attachments.map(({ name, bytes }) => `  attachment / 附件: ${name} (${bytes ?? 'missing / 缺失'})`),
      ...document.signatures.map(
        ({ id, type, provider, signedAt, stamps }) =>
          `  signature / 签名 ${id}: ${type}, ${provider || '—'}, ${signedAt ?? '—'}, stamps / 印章 ${stamps}`,
      ),
      ...document.customDatas.map(({ name, value }) => `  ${name}: ${value}`),
    );
  }
  return lines.join('\n');
}
