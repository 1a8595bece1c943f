/** `tongren log …`: checks the issuance log, in this installation's database or anybody's over HTTP, and keeps a head for later. */
import { readFile, writeFile } from 'node:fs/promises';
import { latestHead } from '#certificates/log-publish.ts';
import type { LogVerdict } from '#certificates/log-verdict.ts';
import { verifyLogInDatabase } from '#certificates/log-verify-database.ts';
import { type AskLog, verifyLogRemotely } from '#certificates/log-verify-remote.ts';
import { dataDirOf, findInstalledDatabase, readCertificates, readInstalledTrust, readLogKeys } from '#edge/installation.ts';
import { type Certificate, parseCertificate } from '#pki/certificate.ts';
import { parsePem } from '#pki/pem.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { fileFault } from './file-fault.ts';

const EXIT = { intact: 0, tampered: 1, unreadable: 2, wrongUse: 3 } as const;
const TIMEOUT_MS = 30_000;
/** A page of entries with their chains is far below this. */
const MAX_ANSWER_BYTES = 8_000_000;

const NO_ADDRESS = '--url is no address like https://id.example.gov.cn. / --url 不是有效地址。';

export interface VerifyLogCommand {
  url?: string;
  database?: boolean;
  head?: string;
  certificate?: string;
  trust: string[];
  json?: boolean;
}

/** Prints the verdict; exit code 0 only when nothing is amiss. */
export async function verifyLog(options: VerifyLogCommand): Promise<number> {
  if (!isAddress(options.url)) return wrongUse(NO_ADDRESS);
  if (options.url && options.database) return wrongUse('--url and --database exclude each other. / 二者只能选一。');
  const given = await readGiven(options);
  if (typeof given === 'string') {
    console.error(given);
    return EXIT.unreadable;
  }
  const { keptHead, certificate, extra } = given;
  const question = { ...(keptHead === undefined ? {} : { keptHead }), ...(certificate ? { certificate } : {}) };
  const dataDir = dataDirOf(process.env);
  if (options.url) {
    const anchors = [...readInstalledTrust(dataDir).anchors, ...extra];
    return report(await verifyLogRemotely(askLog(options.url), { anchors, at: new Date(), ...question }), options);
  }
  return withDatabase(async (db) => {
    const trustedKeys = readLogKeys(dataDir);
    return report(await verifyLogInDatabase({ db }, { ...question, ...(trustedKeys ? { trustedKeys } : {}) }), options);
  });
}

/** Writes the newest head, to be kept elsewhere: `--head` of a later `verify`. */
export async function exportLogHead(options: { out: string; url?: string }): Promise<number> {
  if (!isAddress(options.url)) return wrongUse(NO_ADDRESS);
  const write = async (head: unknown) => {
    try {
      await writeFile(options.out, `${JSON.stringify(head, null, 2)}\n`);
      return EXIT.intact;
    } catch (error) {
      return wrongUse(`--out: ${fileFault(error)}`);
    }
  };
  if (options.url) {
    try {
      return await write(await askLog(options.url)('get-sth'));
    } catch (error) {
      console.error(`${options.url}: ${(error as Error).message}`);
      return EXIT.unreadable;
    }
  }
  return withDatabase(async (db) => {
    const head = await latestHead({ db });
    if (head) return write(head.document);
    console.error('No head has been signed yet. / 尚无已签名的日志头。');
    return EXIT.tampered;
  });
}

interface Given {
  keptHead: unknown;
  certificate: Uint8Array | undefined;
  extra: Certificate[];
}

/** The files named on the command line, or what is wrong with them. */
async function readGiven({ head, certificate, trust }: VerifyLogCommand): Promise<Given | string> {
  let option = '';
  try {
    option = '--head';
    const keptHead: unknown = head ? JSON.parse(await readFile(head, 'utf8')) : undefined;
    option = '--certificate';
    const der = certificate ? certificateIn(await readFile(certificate)) : undefined;
    option = '--trust';
    return { keptHead, certificate: der, extra: trust.flatMap((path) => readCertificates(path)) };
  } catch (error) {
    return `${option}: ${fileFault(error, option === '--head' ? head : undefined)}`;
  }
}

/** PEM or DER. */
function certificateIn(bytes: Uint8Array): Uint8Array {
  const [first] = bytes[0] === 0x30 ? [bytes] : parsePem(Buffer.from(bytes).toString('latin1'), 'CERTIFICATE');
  return parseCertificate(first ?? new Uint8Array()).der;
}

/** Of a service, or none given. */
function isAddress(url: string | undefined): boolean {
  return url === undefined || /^https?:$/.test(URL.parse(url)?.protocol ?? '');
}

function askLog(origin: string): AskLog {
  const base = `${origin.replace(/\/+$/, '').replace(/\/log\/v1$/, '')}/log/v1/`;
  return async (path) => {
    const response = await fetch(base + path, { signal: AbortSignal.timeout(TIMEOUT_MS), headers: { accept: 'application/json' } }).catch(
      (error: Error & { cause?: { code?: string } }) => {
        throw new Error(`${origin} does not answer (${error.cause?.code ?? error.message}). / 无法连接。`);
      },
    );
    if (response.status === 404) return 'not-found';
    if (!response.ok) throw new Error(`${path.split('?')[0]} answered ${response.status}`);
    return JSON.parse(await readText(response));
  };
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function report(verdict: LogVerdict, { json }: VerifyLogCommand): number {
  console.log(json ? JSON.stringify(verdict, null, 2) : describe(verdict));
  if (verdict.intact) return EXIT.intact;
  return verdict.faults.every(({ kind }) => kind === 'unreadable') ? EXIT.unreadable : EXIT.tampered;
}

function describe({ intact, entries, head, keysProven, waiting, certificate, faults }: LogVerdict): string {
  const lines = [headline(intact, faults)];
  if (head) lines.push(`  ${entries} entries; newest head / 最新日志头: ${head.size}, ${head.at}`);
  if (waiting) lines.push(`  ${waiting} certificates wait for their place / 待入日志`);
  if (certificate) lines.push(`  the certificate is entry ${certificate.index} / 该证书为第 ${certificate.index} 条`);
  if (!keysProven)
    lines.push('  Only the log itself names its keys: give its authority with --trust. / 日志密钥未经验证，请用 --trust 指定其根证书。');
  for (const { kind, index, size, serial, detail } of faults) {
    const facts = [
      index === undefined ? '' : `entry ${index}`,
      size === undefined ? '' : `head ${size}`,
      serial ? `serial ${serial}` : '',
      detail ?? '',
    ];
    lines.push(`  ${kind}: ${facts.filter(Boolean).join(', ') || '—'}`);
  }
  return lines.join('\n');
}

/** A log that could not be read is not accused of anything. */
function headline(intact: boolean, faults: LogVerdict['faults']): string {
  if (intact) return 'The issuance log is intact. / 签发日志完整。';
  if (faults.every(({ kind }) => kind === 'unreadable')) return 'The issuance log cannot be read. / 无法读取签发日志。';
  if (faults.every(({ kind }) => kind === 'not-logged')) return 'The certificate is not in the issuance log. / 该证书不在签发日志中。';
  return 'The issuance log is not as it was signed. / 签发日志与签名不符。';
}

async function withDatabase(work: (db: Database) => Promise<number>): Promise<number> {
  const address = findInstalledDatabase(process.env);
  if (!address) {
    return wrongUse(
      'No database: give --url, set DATABASE_URL, or start the service whose TONGREN_DATA_DIR this is. / 未找到数据库，请指定 --url 或 DATABASE_URL。',
    );
  }
  const db = openDatabase(address, { maxConnections: 2 });
  try {
    return await work(db);
  } catch (error) {
    console.error(`The issuance log cannot be read: ${(error as Error).message}`);
    return EXIT.unreadable;
  } finally {
    await db.$disconnect();
  }
}

function wrongUse(message: string): number {
  console.error(message);
  return EXIT.wrongUse;
}
