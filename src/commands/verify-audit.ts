/** `tongren audit …`: walks the audit chain of this installation, and exports its newest signed checkpoint. */
import { readFile, writeFile } from 'node:fs/promises';
import { latestCheckpoint } from '#audit/export-checkpoint.ts';
import { type ChainVerdict, verifyChain } from '#audit/verify-chain.ts';
import { dataDirOf, findInstalledDatabase, readAuditKeys } from '#edge/installation.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { fileFault } from './file-fault.ts';

const EXIT = { intact: 0, tampered: 1, unreadable: 2, wrongUse: 3 } as const;

/** Prints the verdict; exit code 0 only when every row is as it was chained. */
export async function verifyAudit(options: { checkpoint?: string; json?: boolean }): Promise<number> {
  let checkpoint: unknown;
  if (options.checkpoint) {
    try {
      checkpoint = JSON.parse(await readFile(options.checkpoint, 'utf8'));
    } catch (error) {
      console.error(`--checkpoint: ${fileFault(error, options.checkpoint)}`);
      return EXIT.unreadable;
    }
  }
  return withDatabase(async (db) => {
    const trustedKeys = readAuditKeys(dataDirOf(process.env));
    const verdict = await verifyChain(
      { db },
      { ...(checkpoint === undefined ? {} : { checkpoint }), ...(trustedKeys ? { trustedKeys } : {}) },
    );
    console.log(options.json ? JSON.stringify(verdict, null, 2) : describe(verdict));
    return verdict.intact ? EXIT.intact : EXIT.tampered;
  });
}

export async function exportAuditCheckpoint(options: { out: string }): Promise<number> {
  return withDatabase(async (db) => {
    const checkpoint = await latestCheckpoint({ db });
    if (!checkpoint) {
      console.error('No checkpoint has been written yet; the worker writes one every few minutes. / 尚无检查点。');
      return EXIT.tampered;
    }
    await writeFile(options.out, `${JSON.stringify(checkpoint, null, 2)}\n`);
    return EXIT.intact;
  });
}

async function withDatabase(work: (db: Database) => Promise<number>): Promise<number> {
  const address = findInstalledDatabase(process.env);
  if (!address) {
    console.error(
      'No database: set DATABASE_URL, or start the service whose TONGREN_DATA_DIR this is. / 未找到数据库，请设置 DATABASE_URL 或先启动服务。',
    );
    return EXIT.wrongUse;
  }
  const db = openDatabase(address, { maxConnections: 2 });
  try {
    return await work(db);
  } catch (error) {
    console.error(`The audit trail cannot be read: ${(error as Error).message}`);
    return EXIT.unreadable;
  } finally {
    await db.$disconnect();
  }
}

function describe(verdict: ChainVerdict): string {
  const lines = [
    verdict.intact ? 'The audit trail is intact. / 审计链完整。' : 'The audit trail was tampered with. / 审计链已被篡改。',
    `  ${verdict.links} links, ${verdict.waiting} events waiting to be chained, last position ${verdict.position}`,
  ];
  for (const fault of verdict.faults) lines.push(`  ${fault.kind}: position ${fault.position ?? '—'}, event ${fault.eventId ?? '—'}`);
  return lines.join('\n');
}
