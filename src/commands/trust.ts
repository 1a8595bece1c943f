/** `tongren trust …`: the trust list of this installation or another, listed, exported, checked. */
import { readFile, writeFile } from 'node:fs/promises';
import { isInForce, trustListPem } from '#certificates/trust-list-anchors.ts';
import type { ListedEntry, SignedTrustList, TrustList } from '#certificates/trust-list-format.ts';
import { currentTrustList } from '#certificates/trust-list-publish.ts';
import { readTrustList, type TrustListVerdict } from '#certificates/trust-list-read.ts';
import { dataDirOf, findInstalledDatabase, readCertificates, readInstalledTrust } from '#edge/installation.ts';
import { openDatabase } from '#storage/database.ts';
import { fileFault } from './file-fault.ts';

const EXIT = { good: 0, doubtful: 1, unreadable: 2, wrongUse: 3 } as const;

/** Prints the newest signed edition of this installation's list. */
export async function listTrust(options: { json?: boolean }): Promise<number> {
  return withCurrentList(async ({ list }) => {
    console.log(options.json ? JSON.stringify(list, null, 2) : describeList(list, new Date()));
    return EXIT.good;
  });
}

/** Writes the signed list, or the PEM bundle, for another program. */
export async function exportTrust(options: { out: string; format: 'json' | 'pem' }): Promise<number> {
  return withCurrentList(async ({ document, list }) => {
    try {
      await writeFile(options.out, options.format === 'pem' ? trustListPem(list, new Date()) : `${JSON.stringify(document)}\n`);
      return EXIT.good;
    } catch (error) {
      console.error(`--out: ${fileFault(error)}`);
      return EXIT.wrongUse;
    }
  });
}

/** Judges a list from a file as any reader should: exit 0 only when its signature leads to a root given or installed, and it is in date. */
export async function checkTrust(file: string, options: { trust: string[]; at?: Date; json?: boolean }): Promise<number> {
  let document: unknown;
  let given: ReturnType<typeof readCertificates>;
  try {
    document = JSON.parse(await readFile(file, 'utf8'));
    given = options.trust.flatMap((path) => readCertificates(path));
  } catch (error) {
    console.error(fileFault(error, file));
    return EXIT.unreadable;
  }
  const at = options.at ?? new Date();
  const anchors = [...readInstalledTrust(dataDirOf(process.env)).anchors, ...given];
  const verdict = readTrustList(document, { anchors, at });
  console.log(options.json ? JSON.stringify(verdict, null, 2) : describeVerdict(verdict, at));
  if (verdict.faults.includes('malformed')) return EXIT.unreadable;
  return verdict.faults.length === 0 ? EXIT.good : EXIT.doubtful;
}

async function withCurrentList(work: (current: { document: SignedTrustList; list: TrustList }) => Promise<number>): Promise<number> {
  const address = findInstalledDatabase(process.env);
  if (!address) {
    console.error(
      'No database: set DATABASE_URL, or start the service whose TONGREN_DATA_DIR this is. / 未找到数据库，请设置 DATABASE_URL 或先启动服务。',
    );
    return EXIT.wrongUse;
  }
  const db = openDatabase(address, { maxConnections: 1 });
  try {
    return await work(await currentTrustList({ db }));
  } catch (error) {
    console.error(`The trust list cannot be read: ${(error as Error).message}`);
    return EXIT.unreadable;
  } finally {
    await db.$disconnect();
  }
}

const FAULTS: Record<TrustListVerdict['faults'][number], string> = {
  malformed: 'This is no trust list. / 不是信任列表。',
  forged: 'A signature is not right. / 签名不正确。',
  'unknown-key': 'No signature leads to a root that is trusted here: give it with --trust. / 签名不能追溯到受信任的根证书。',
  'out-of-date': 'A newer edition should have been issued. / 列表已过期。',
  'not-yet-issued': 'It was issued later than that. / 该时间尚未签发。',
};

function describeVerdict({ faults, list, proven }: TrustListVerdict, at: Date): string {
  const lines =
    faults.length === 0 ? [`The trust list is good (${proven.join(', ')}). / 信任列表有效。`] : faults.map((fault) => FAULTS[fault]);
  return [...lines, ...(list ? [describeList(list, at)] : [])].join('\n');
}

function describeList(list: TrustList, at: Date): string {
  const head = `${list.issuer}: ${list.sequence}, ${list.issuedAt} – ${list.nextUpdate}, ${list.entries.length} entries / 条`;
  return [head, ...list.entries.map((entry) => describeEntry(entry, at))].join('\n');
}

function describeEntry(entry: ListedEntry, at: Date): string {
  const state = entry.state === 'active' && !isInForce(entry, at) ? 'not in force' : entry.state;
  return [
    `  ${entry.name.zh} / ${entry.name.en}: ${state}${entry.official ? ', official / 官方' : ''}`,
    `    ${entry.suite}, sha256 ${entry.fingerprint}`,
    `    ${entry.validFrom} – ${entry.validUntil}; ${JSON.stringify(entry.constraints)}`,
  ].join('\n');
}
