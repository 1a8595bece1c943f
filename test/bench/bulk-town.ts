/**
 * The service as it is deployed for sealing in bulk: PostgreSQL, signer, web and worker, each a process of its own, with one department
 * whose seal is active and whose system may use it. The worker can be killed and started again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import { appointStaff } from '#access/appoint-staff.ts';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { remoteSigner } from '#adapters/remote-signer.ts';
import { systemClock } from '#adapters/system-clock.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { registerClient } from '#oidc/register-client.ts';
import { registerOrganisation } from '#people/organisations.ts';
import { registerPerson } from '#people/register-person.ts';
import { applyForSeal } from '#seals/apply-for-seal.ts';
import { approveSeal } from '#seals/approve-seal.ts';
import { activateSeal } from '#seals/change-seal-status.ts';
import { makeSeal } from '#seals/make-seal.ts';
import { type Database, openDatabase } from '#storage/database.ts';
import { startEmbeddedPostgres } from '#storage/embedded-postgres.ts';
import { applyMigrations } from '#storage/migrate.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';
import { startSignerService } from '#test/fakes/signer-service.ts';
import { freePort } from '#test/free-port.ts';

const START = fileURLToPath(new URL('../../src/start.js', import.meta.url));
const SECRET = 'the secret of web and worker, which opens no key';
const TOKENS = { web: 'the token of the web process, 32+ characters', worker: 'the token of the worker process, 32+ chars' };

export interface BulkTown {
  db: Database;
  origin: string;
  /** Where it all lies; files for a run may be put here too. */
  folder: string;
  clientId: string;
  /** Path of the system's private key, PKCS #8 PEM. */
  clientKey: string;
  sealId: string;
  /** What a file is judged by. */
  trust(): Promise<{ anchors: Trusted['roots']; officialAnchors: Trusted['roots']; intermediates: Trusted['issuing']; at: Date }>;
  startWorker(): Promise<ChildProcess>;
  /** Highest resident memory so far, in MiB. */
  peakOf(role: 'web' | 'signer'): number;
  /** Processor seconds so far. */
  cpuOf(role: 'web' | 'signer'): number;
  close(): Promise<void>;
}

type Trusted = Awaited<ReturnType<typeof trustedCertificates>>;

export function peakMiB(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

/** Processor time so far, in seconds: says what a file costs on a machine that does other things too. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export async function bulkTown(): Promise<BulkTown> {
  const folder = mkdtempSync(join(tmpdir(), 'tongren-bulk-'));
  chmodSync(folder, 0o755);
  const postgres = await startEmbeddedPostgres(folder);
  await applyMigrations(postgres.address);
  const db = openDatabase(postgres.address, { maxConnections: 4 });
  mkdirSync(join(folder, 'signer'), { mode: 0o700 });
  const socketPath = join(folder, 'sign', 'signer.sock');
  for (const [caller, token] of Object.entries(TOKENS)) writeFileSync(join(folder, `${caller}.token`), token, { mode: 0o600 });
  const signer = await startSignerService({
    TONGREN_DATA_DIR: join(folder, 'signer'),
    TONGREN_SECRET: 'the secret of the signer alone, told to nobody else',
    TONGREN_SIGNER_SOCKET: socketPath,
    TONGREN_SIGNER_TOKENS: Object.keys(TOKENS)
      .map((caller) => `${caller}=${join(folder, `${caller}.token`)}`)
      .join(','),
  });
  const port = await freePort();
  const running = new Set<ChildProcess>();
  const start = (role: 'web' | 'worker') =>
    new Promise<ChildProcess>((done, fail) => {
      const { address } = postgres;
      const host = 'socketFolder' in address ? encodeURIComponent(address.socketFolder) : '';
      const child = spawn(process.execPath, [START], {
        env: {
          PATH: process.env['PATH'],
          TONGREN_ROLES: role,
          TONGREN_PORT: String(port),
          TONGREN_DATA_DIR: join(folder, 'data'),
          TONGREN_SECRET: SECRET,
          TONGREN_SIGNER_SOCKET: socketPath,
          TONGREN_SIGNER_TOKEN: TOKENS[role],
          TONGREN_DEMO: 'false',
          TONGREN_LOG_LEVEL: 'error',
          DATABASE_URL:
            'url' in address ? address.url : `postgresql://${address.user}@localhost/${address.database}?host=${host}&port=${address.port}`,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      running.add(child);
      let words = '';
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          words += chunk.toString();
          if (words.includes('Ctrl-C')) done(child);
          if (/error/i.test(chunk.toString())) process.stderr.write(`${role}: ${chunk.toString()}`);
        });
      }
      child.once('exit', () => {
        running.delete(child);
        fail(new Error(words));
      });
    });
  const web = await start('web');
  const keys = remoteSigner({ socketPath, token: TOKENS.web });
  const opened = await openDataKeys(db, localDataKeys(SECRET), new Date());
  const deps = {
    db,
    clock: systemClock,
    keys,
    fields: fieldCipher(opened),
    publicOrigin: `http://localhost:${port}`,
  };
  const client = await department(deps);
  const pidOf = (role: 'web' | 'signer') => (role === 'web' ? web : signer.process).pid ?? 0;
  const clientKey = join(folder, 'client.pem');
  writeFileSync(clientKey, client.pem, { mode: 0o600 });
  return {
    db,
    origin: `http://localhost:${port}`,
    folder,
    clientId: 'bulk-sealing',
    clientKey,
    sealId: client.sealId,
    async trust() {
      const { roots, issuing } = await trustedCertificates(deps);
      return { anchors: roots, officialAnchors: roots, intermediates: issuing, at: new Date() };
    },
    startWorker: () => start('worker'),
    peakOf: (role) => peakMiB(pidOf(role)),
    cpuOf: (role) => cpuSeconds(pidOf(role)),
    async close() {
      for (const child of running) {
        const gone = new Promise((done) => child.once('exit', done));
        child.kill('SIGTERM');
        await gone;
      }
      await signer.stop();
      await db.$disconnect();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Deps = Parameters<typeof makeSeal>[0] & Parameters<typeof registerPerson>[0] & Parameters<typeof registerClient>[0];

/** A department with an active seal, and its system with a key. */
async function department(deps: Deps): Promise<{ sealId: string; pem: string }> {
  const by = 'system:bench';
  const { id: organisationId } = await registerOrganisation(deps, {
    name: '示范市市场监督管理局',
    uscc: '11100000MB0143028R',
    divisionCode: '350200',
    kind: 'department',
    by,
  });
  const person = async (name: string, citizenNumber: string) => (await registerPerson(deps, { name, citizenNumber, by })).id;
  const admin = await person('陈发证', '350203198803030059');
  const approver = await person('林批准', '350203197001010035');
  await appointStaff(deps, { personId: admin, organisationId, roles: ['issuer', 'seal-admin'], by });
  await appointStaff(deps, { personId: approver, organisationId, roles: ['approver'], by });
  const { sealId } = await applyForSeal(deps, { organisationId, kind: 'official', licenceTypes: [], by: { personId: admin } });
  await approveSeal(deps, { sealId, by: { personId: approver }, decision: 'approve' });
  await makeSeal(deps, { sealId, by: { personId: admin } });
  await activateSeal(deps, { sealId, by: { personId: admin } });
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const text = { zh: '批量用印系统', en: 'Bulk sealing' };
  await registerClient(deps, {
    id: 'bulk-sealing',
    kind: 'system',
    name: text,
    operator: text,
    purpose: text,
    scopes: ['seals:use', 'seals:read'],
    authMethod: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(publicKey)), use: 'sig', alg: 'ES256' }] },
    organisationId,
    by,
  });
  return { sealId, pem: await exportPKCS8(privateKey) };
}
