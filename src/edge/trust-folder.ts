import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureCheckpointKey, findCheckpointKeys } from '#audit/export-checkpoint.ts';
import { currentCrls, trustedCertificates } from '#certificates/find-certificates.ts';
import { findRecordKeys } from '#certificates/log-signer.ts';
import { currentTrustList } from '#certificates/trust-list-publish.ts';
import { parsePem, toPem } from '#pki/pem.ts';
import type { KeyStore } from '#ports/key-store.ts';
import type { HeadKeyPin } from '#signer/note-log-head.ts';
import type { Database } from '#storage/database.ts';
import { ANCHORS_FILE, AUDIT_KEY_FILE, INTERMEDIATES_FILE, LOG_KEYS_FILE, TRUST_LIST_FILE, trustFolderOf } from './installation.ts';
import { SIGNER_LOG_KEY_FILE, SIGNER_LOG_LINKS_FILE } from './signer-log-place.ts';

/**
 * Leaves our authorities' certificates, newest CRLs and the key of audit checkpoints in the data folder, for commands that
 * run beside the service. Answers 0: a job with nothing left to do.
 */
export async function writeTrustFolder(dataDir: string, deps: { db: Database; keys: KeyStore }): Promise<number> {
  const folder = trustFolderOf(dataDir);
  await mkdir(folder, { recursive: true });
  const { roots, issuing } = await trustedCertificates(deps);
  const pem = (certificates: readonly { der: Uint8Array }[]) => certificates.map(({ der }) => toPem('CERTIFICATE', der)).join('');
  await replaceFile(join(folder, ANCHORS_FILE), pem(roots));
  await replaceFile(join(folder, INTERMEDIATES_FILE), pem(issuing));
  await ensureCheckpointKey(deps);
  const auditKeys = await findCheckpointKeys(deps);
  await replaceFile(join(folder, AUDIT_KEY_FILE), auditKeys.map(({ spki }) => toPem('PUBLIC KEY', spki)).join(''));
  const logKeys = await findRecordKeys(deps, 'issuance-log');
  await replaceFile(join(folder, LOG_KEYS_FILE), logKeys.map((key) => toPem('PUBLIC KEY', key.spki)).join(''));
  const list = await currentTrustList(deps).catch(() => undefined);
  if (list) await replaceFile(join(folder, TRUST_LIST_FILE), JSON.stringify(list.document));
  for (const [index, crl] of (await currentCrls(deps)).entries()) await replaceFile(join(folder, `${index}.crl`), crl.der);
  return 0;
}

async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const beside = `${path}.${randomUUID()}`;
  await writeFile(beside, content);
  await rename(beside, path);
}

/** The keys of the signer's log as this installation believes them, and the links between them. */
export function signerLogPin(dataDir: string): HeadKeyPin {
  const folder = trustFolderOf(dataDir);
  const path = join(folder, SIGNER_LOG_KEY_FILE);
  return {
    async read() {
      if (!existsSync(path)) return [];
      const keys = parsePem(readFileSync(path, 'utf8'), 'PUBLIC KEY');
      if (keys.length === 0) throw new Error(`${path} holds no public key: put it back, or name the key anew. / 文件中没有公钥。`);
      return keys;
    },
    async replace(keys, links) {
      await mkdir(folder, { recursive: true });
      await replaceFile(join(folder, SIGNER_LOG_LINKS_FILE), links.map((link) => `${link}\n`).join(''));
      // Last: it is what counts.
      await replaceFile(path, keys.map((spki) => toPem('PUBLIC KEY', spki)).join(''));
    },
  };
}
