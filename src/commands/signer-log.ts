/** `tongren signer-log verify`: whether the signer's log is whole: no line changed, removed, exchanged, or cut off at the end. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { searchEvents } from '#audit/search-events.ts';
import { dataDirOf, findInstalledDatabase, trustFolderOf } from '#edge/installation.ts';
import { SIGNER_LOG_FOLDER, SIGNER_LOG_KEY_FILE, SIGNER_LOG_LINKS_FILE } from '#edge/signer-log-place.ts';
import { parsePem } from '#pki/pem.ts';
import { HEAD_FILE, HEAD_KEY_FILE, HEAD_LINKS_FILE } from '#signer/keep-log-heads.ts';
import type { LogHead } from '#signer/log-head.ts';
import { fileNumbers, nameOfFile } from '#signer/log-line.ts';
import { linksIn } from '#signer/log-link-file.ts';
import { type HeadKey, readHead, readHeadKeys } from '#signer/read-head-keys.ts';
import { type LogFault, type LogReport, verifySignerLog } from '#signer/verify-signer-log.ts';
import { openDatabase } from '#storage/database.ts';
import { fileFault } from './file-fault.ts';

const EXIT = { whole: 0, faulty: 1, unreadable: 2, wrongUse: 3 } as const;

const WORDS: Record<LogFault['fault'], string> = {
  unreadable: 'is no line of a signer log / 不是签名日志的记录',
  'cut-line': 'is cut off in the middle / 记录不完整',
  'changed-or-missing-before':
    'does not follow the line before: that was changed or exchanged, or lines between are missing / 与前一条记录不衔接',
  'number-missing': 'leaves out numbers: lines are missing / 序号缺失',
  'number-again': 'has a number that was there already / 序号重复',
  'not-the-beginning': 'says it is the first and is not / 不是首条记录',
  'missing-at-end': 'is the last, but a signed head names later ones: the end was cut off / 末尾被截断',
  'not-that-of-head': 'is not the line that a signed head names: the log was written anew / 与签名记录不一致',
  'not-that-of-key': 'is not the line in which the key of the heads changed: the log was written anew / 与密钥更换记录不一致',
  'head-of-former-key':
    'has a head by a key that had been succeeded before: such a head does not count / 签名记录使用了此前已被取代的密钥，不予认可',
};

export interface SignerLogOptions {
  /** Files with signed heads, one on each line, as kept elsewhere. */
  head: string[];
  key?: string;
  /** Links from the keys of `key` to their successors. */
  endorsements?: string;
  /** Compare with the heads that the audit trail of this installation noted, too. */
  noted?: boolean;
  json?: boolean;
}

export async function verifySignerLogFiles(given: string[], options: SignerLogOptions): Promise<number> {
  const paths = filesOf(given.length > 0 ? given : [join(dataDirOf(process.env), SIGNER_LOG_FOLDER)]);
  if (paths.length === 0) {
    console.error('There is no file of a signer log. / 未找到签名日志文件。');
    return EXIT.wrongUse;
  }
  let report: LogReport;
  let heads: LogHead[];
  try {
    const keys = readKeys(paths, options);
    heads = readHeads(paths, options, keys, options.noted ? await notedHeads() : []);
    report = verifySignerLog(
      paths.map((path) => ({ name: basename(path), bytes: readFileSync(path) })),
      heads,
      keys,
    );
  } catch (error) {
    console.error(fileFault(error));
    return EXIT.unreadable;
  }
  const isWhole = report.faults.length === 0;
  if (options.json) console.log(JSON.stringify({ whole: isWhole, ...report, heads: heads.length }, null, 2));
  else console.log(describe(report, heads.length));
  return isWhole ? EXIT.whole : EXIT.faulty;
}

/** A folder stands for its files; files are taken in the order of their numbers, wherever they lie. */
function filesOf(given: readonly string[]): string[] {
  const paths = given.flatMap((path) => {
    if (!existsSync(path) || !statSync(path).isDirectory()) return [path];
    return fileNumbers(readdirSync(path)).map((number) => join(path, nameOfFile(number)));
  });
  const numberOf = (path: string) => fileNumbers([basename(path)])[0] ?? Number.POSITIVE_INFINITY;
  return paths.sort((a, b) => numberOf(a) - numberOf(b));
}

/**
 * The keys named, else those this installation believes, else those beside the log; with the links beside them. Throws a plain Error
 * for a file without any.
 */
function readKeys(paths: readonly string[], { key, endorsements }: SignerLogOptions): HeadKey[] {
  const folder = dirname(paths[0] ?? '.');
  const trust = trustFolderOf(dataDirOf(process.env));
  const places: [string | undefined, string | undefined][] = [
    [key, endorsements],
    [join(trust, SIGNER_LOG_KEY_FILE), endorsements ?? join(trust, SIGNER_LOG_LINKS_FILE)],
    [join(folder, HEAD_KEY_FILE), endorsements ?? join(folder, HEAD_LINKS_FILE)],
  ];
  const [keyFile, linksFile] = places.find(([path]) => path !== undefined && (path === key || existsSync(path))) ?? [];
  if (!keyFile) return [];
  const keys = parsePem(readFileSync(keyFile, 'utf8'), 'PUBLIC KEY');
  if (keys.length === 0) throw new Error(`${keyFile} holds no public key. / 文件中没有公钥。`);
  const isNamed = linksFile !== undefined && linksFile === endorsements;
  const links = linksFile !== undefined && (isNamed || existsSync(linksFile)) ? linksIn(readFileSync(linksFile, 'utf8')) : [];
  return readHeadKeys(keys, links);
}

/** Throws a plain Error for a head that none of the keys signed. */
function readHeads(paths: readonly string[], { head }: SignerLogOptions, keys: readonly HeadKey[], noted: readonly string[]): LogHead[] {
  const folder = dirname(paths[0] ?? '.');
  // A head beside the log proves little against one who writes there; it still shows a careless cut.
  const files = head.length > 0 ? head : [join(folder, HEAD_FILE)].filter(existsSync);
  const kept = files.flatMap((path) => readFileSync(path, 'utf8').split('\n'));
  const lines = [...kept.map((line) => line.trim()).filter(Boolean), ...noted];
  if (lines.length === 0) return [];
  if (keys.length === 0) throw new Error('The key that signs heads is not known: name it with --key. / 请用 --key 指定公钥文件。');
  return lines.map((line) => {
    const read = readHead(line, keys);
    if ('fault' in read) throw new Error(`A head cannot be used: ${read.fault}. / 签名记录无效。`);
    return read;
  });
}

/** Every head in the audit trail. Throws a plain Error when there is no database to ask. */
async function notedHeads(): Promise<string[]> {
  const address = findInstalledDatabase(process.env);
  if (!address) throw new Error('--noted needs the database: set DATABASE_URL or start the service. / 未找到数据库。');
  const db = openDatabase(address, { maxConnections: 2 });
  try {
    const heads: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await searchEvents({ db }, { subject: 'signer-log', cursor, limit: 200 });
      for (const { detail } of page.items) {
        const { head } = Object(detail) as { head?: unknown };
        if (typeof head === 'string') heads.push(head);
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return heads;
  } finally {
    await db.$disconnect();
  }
}

function describe(report: LogReport, heads: number): string {
  const lines = [
    `${report.lines} lines, ${report.first ?? '–'} to ${report.last?.n ?? '–'}; ${heads === 0 ? 'no signed head to compare with: a cut at the end would not show' : `${report.headsConfirmed} of ${heads} heads confirmed`}${report.keysConfirmed > 0 ? `; ${report.keysConfirmed} changes of their key` : ''}`,
    ...Object.entries(report.events).map(([event, count]) => `  ${event}: ${count}`),
    ...report.faults.map(({ file, line, fault }) => `${file}:${line} ${WORDS[fault]}`),
    report.faults.length === 0 ? 'The log is whole. / 日志完整。' : 'The log is NOT whole. / 日志不完整。',
  ];
  return lines.join('\n');
}
