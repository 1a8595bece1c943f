/**
 * The process edge: environment → configuration → adapters → listen → drain. Everything that can be wrong with the
 * outside (settings, port, database) ends here in one clear sentence each.
 */
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { fileSystemStore } from '#adapters/file-system-store.ts';
import { httpDomainControl } from '#adapters/http-domain-control.ts';
import { httpPopulationRegistry } from '#adapters/http-population-registry.ts';
import { httpSmsGateway } from '#adapters/http-sms-gateway.ts';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { simulatedDomainControl } from '#adapters/simulated-domain-control.ts';
import { simulatedPopulationRegistry } from '#adapters/simulated-population-registry.ts';
import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { systemClock } from '#adapters/system-clock.ts';
import { DEMO_POPULATION } from '#demo/demo-people.ts';
import { runDemoApps } from '#demo/run-demo-apps.ts';
import { claimDataFolder } from '#edge/claim-data-folder.ts';
import { developmentTls } from '#edge/development-tls.ts';
import { openKeys, type RoomKeys } from '#edge/open-keys.ts';
import { openStorage } from '#edge/open-storage.ts';
import { failure, printWelcome } from '#edge/print-welcome.ts';
import { runSigner } from '#edge/run-signer.ts';
import { signerLogPin, writeTrustFolder } from '#edge/trust-folder.ts';
import { isSignerAway } from '#jobs/prepare-trust.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import { followHeadKey, noteLogHead } from '#signer/note-log-head.ts';
import { openDatabase } from '#storage/database.ts';
import type { Ports } from './app.ts';
import { type Config, ConfigError, readConfig } from './config.ts';

/** What must be undone, last made first. */
type Undo = () => Promise<void> | void;

/** Runs the service until it is told to stop. Says in one sentence what keeps it from running, and exits with 1. */
export async function startService({ tls = false }: { tls?: boolean } = {}): Promise<void> {
  const undo: Undo[] = [];
  const drain = drainOnce(undo);
  try {
    const config = readConfig(process.env, { tls, ...lanAddress() });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void drain().then(() => process.exit(0)));
    await run(config, undo);
  } catch (error) {
    const sentences = error instanceof ConfigError ? error.faults : [failure(error)];
    for (const sentence of sentences) console.error(sentence);
    await drain();
    process.exit(1);
  }
}

async function run(config: Config, undo: Undo[]): Promise<void> {
  const began = performance.now();
  if (config.roles.every((role) => role === 'signer')) return runSigner(config, undo);
  // With a database of its own elsewhere, several processes may share one folder of files.
  if (!config.databaseUrl) undo.push(claimDataFolder(config.dataDir));
  // The program is read while the database comes up.
  const loading = import('./app.ts');
  loading.catch(() => undefined);
  const storage = await openStorage(config);
  undo.push(storage.close);
  const db = openDatabase(storage.address);
  undo.push(() => db.$disconnect());
  const ports = await openPorts(config, undo);
  const { buildApp } = await loading;
  const app = await buildApp(config, ports, db, {
    ...(config.tls ? { tls: await developmentTls(config, { ...ports, db, publicOrigin: config.origin }) } : {}),
    logger: pino({ level: config.logLevel }),
    jobs: [
      { name: 'trust-folder', everySeconds: 60, run: () => writeTrustFolder(config.dataDir, { db, keys: ports.keys }) },
      {
        name: 'signer-log-key',
        everySeconds: 15,
        exclusive: true,
        run: () => followHeadKey({ db, clock: systemClock, keys: ports.keys }, signerLogPin(config.dataDir)),
      },
      {
        name: 'signer-log-head',
        everySeconds: 300,
        exclusive: true,
        run: () => noteLogHead({ db, clock: systemClock, keys: ports.keys }, { pin: signerLogPin(config.dataDir) }),
      },
    ],
  });
  undo.push(() => app.close());
  await writeTrustFolder(config.dataDir, { db, keys: ports.keys }).catch((error: unknown) => {
    // Without the signer the folder stays as it was; the job writes it later.
    if (!isSignerAway(error)) throw error;
    console.error(failure(error));
  });
  await app.server?.listen({ port: config.port, host: config.host });
  const demoApps = app.demoClients && app.server ? await runDemoApps(`${config.origin}/oidc`, app.demoClients) : [];
  for (const demoApp of demoApps) undo.push(() => demoApp.close());
  printWelcome(config, app.context, { storage, milliseconds: performance.now() - began });
}

async function openPorts(config: Config, undo: Undo[]): Promise<Ports & { keys: RoomKeys }> {
  const { keys, close } = await openKeys(config);
  undo.push(close);
  const ephemeral: EphemeralStore = config.redisUrl ? await openRedis(config.redisUrl) : inProcessStore();
  undo.push(() => ephemeral.close());
  // Any app on a public address may register; private ones must be named. Loopback is for the demo's apps.
  const outbound = allowListedFetch({ hosts: ['*'], privateHosts: config.outboundAllow, allowLoopback: !config.production });
  const simulator = config.sms ? undefined : simulatedSmsGateway({ clock: systemClock });
  return {
    clock: systemClock,
    keys,
    dataKeys: localDataKeys(config.secret, config.secretBefore),
    files: fileSystemStore(join(config.dataDir, 'files')),
    ephemeral,
    sms: config.sms ? httpSmsGateway(outbound, config.sms) : (simulator ?? simulatedSmsGateway()),
    outbound,
    domains: config.domainControl === 'simulated' ? simulatedDomainControl() : httpDomainControl(outbound),
    registry: config.registry ? httpPopulationRegistry(outbound, config.registry) : simulatedPopulationRegistry(DEMO_POPULATION),
    ...(simulator ? { smsMessages: () => simulator.messages() } : {}),
  };
}

async function openRedis(url: string): Promise<EphemeralStore> {
  try {
    const { openRedisStore } = await import('#adapters/redis-store.ts');
    return await openRedisStore({ url });
  } catch (cause) {
    throw new Error(`REDIS_URL: Redis on ${new URL(url).host} cannot be reached. / 无法连接 Redis。`, { cause });
  }
}

/** Under this address phones on the local network find us. */
function lanAddress(): { lanAddress?: string } {
  const address = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
  return address ? { lanAddress: address } : {};
}

/** Undoes everything once, last made first; a second signal meanwhile ends the process at once. */
function drainOnce(undo: Undo[]): () => Promise<void> {
  let draining: Promise<void> | undefined;
  return () => {
    if (draining) process.exit(1);
    draining = (async () => {
      for (const step of undo.reverse()) await Promise.resolve(step()).catch((error: unknown) => console.error(failure(error)));
    })();
    return draining;
  };
}
