/**
 * The composition root: takes configuration, ports and a database, wires the rooms by hand, and gives back something
 * that can listen and be closed. It opens no files and reads no environment.
 */
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { chainEvents } from '#audit/chain-events.ts';
import { writeCheckpoint } from '#audit/export-checkpoint.ts';
import { revokeEndedAuthority } from '#certificates/acting.ts';
import { deviceAuthorities } from '#certificates/device-authorities.ts';
import { publishLog } from '#certificates/log-publish.ts';
import { certifyRecordKeys } from '#certificates/log-signer.ts';
import { publishDueCrls } from '#certificates/publish-crls.ts';
import { refreshOcspAnswers } from '#certificates/refresh-ocsp.ts';
import { sendCertificateNotices } from '#certificates/send-certificate-notices.ts';
import { settleCertificateRequests } from '#certificates/settle-certificate-requests.ts';
import { sweepCrls } from '#certificates/sweep-crls.ts';
import { publishTrustList } from '#certificates/trust-list-publish.ts';
import { writeCertificateNotices } from '#certificates/write-certificate-notices.ts';
import { certifyCodeKeys } from '#codes/certify-code-keys.ts';
import { codeKeyRing } from '#codes/code-key-ring.ts';
import type { Config } from '#config.ts';
import { replaceableFieldCipher } from '#crypto/field-cipher.ts';
import { assertSm2KnownAnswer } from '#crypto/suite.ts';
import type { DemoClient } from '#demo/relying-apps/seed-demo-clients.ts';
import { seedDemoCity } from '#demo/seed-demo-city.ts';
import { warmFonts } from '#documents/page/fonts.ts';
import { listLicenceTypes } from '#documents/page/licence-type.ts';
import { changeIndexKey } from '#jobs/change-index-key.ts';
import { LOGOUT_JOB, logoutDeliveryJob } from '#jobs/deliver-logouts.ts';
import { prepareTrust } from '#jobs/prepare-trust.ts';
import { registerJobMetrics } from '#jobs/register-job-metrics.ts';
import { registerStatusMetrics } from '#jobs/register-status-metrics.ts';
import { resealJob } from '#jobs/reseal-pass.ts';
import { retireKeys } from '#jobs/retire-keys.ts';
import { type Job, type Jobs, startJobs } from '#jobs/run-jobs.ts';
import { sweepOidcJob } from '#jobs/sweep-oidc.ts';
import { warnOfAuthoritiesJob } from '#jobs/warn-of-authorities.ts';
import { resumeIssuing } from '#licences/resume-issuing.ts';
import { currentStatusList } from '#licences/status-list.ts';
import { createOidcProvider } from '#oidc/create-oidc-provider.ts';
import { toPem } from '#pki/pem.ts';
import type { Clock } from '#ports/clock.ts';
import type { DataKeys } from '#ports/data-keys.ts';
import type { DomainControl } from '#ports/domain-control.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import type { FileStore } from '#ports/file-store.ts';
import type { KeyStore } from '#ports/key-store.ts';
import type { Outbound } from '#ports/outbound.ts';
import type { PopulationRegistry } from '#ports/population-registry.ts';
import type { SmsGateway } from '#ports/sms-gateway.ts';
import { destroySealKeys } from '#seals/destroy-seal-keys.ts';
import { revokeEndedSeals } from '#seals/revoke-seal-certificates.ts';
import { runSealJobs, sweepSealJobs } from '#seals/run-seal-jobs.ts';
import { endSession } from '#sign-in/sessions.ts';
import { sweepSignIn } from '#sign-in/sweep-sign-in.ts';
import type { Database } from '#storage/database.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';
import { createServer, takeTls } from '#web/create-server.ts';
import { describeForLog } from '#web/log-without-personal-data.ts';
import { sessionCookieName } from '#web/session.ts';
import type { DemoFacts, SimulatedSms, WebContext } from '#web/web-context.ts';

export const VERSION = '0.1.0';
/** How soon a running process follows what a command changed. */
const FOLLOW_EVERY_MS = 30_000;

export interface Ports {
  clock: Clock;
  keys: KeyStore;
  dataKeys: DataKeys;
  files: FileStore;
  ephemeral: EphemeralStore;
  sms: SmsGateway;
  outbound: Outbound;
  /** Without it nobody can prove control of a name. */
  domains?: DomainControl;
  registry: PopulationRegistry;
  /** Set when the SMS gateway is the simulator. */
  smsMessages?: () => readonly SimulatedSms[];
}

export interface AppOptions {
  logger?: FastifyBaseLogger | false;
  /** Further background work of the process. */
  jobs?: readonly Job[];
  /** PEM certificate and key with which the server speaks https itself. */
  tls?: { cert: string; key: string };
  /** For tests: how often keys made by commands are looked for. */
  followEveryMs?: number;
}

export interface App {
  context: WebContext;
  /** Set in the web role. */
  server: FastifyInstance | undefined;
  /** Set in the worker role. */
  jobs: Jobs | undefined;
  /** The demo city's apps, to be run beside us. */
  demoClients: DemoClient[] | undefined;
  /** Stops taking work, waits for what is under way. The ports and the database are the caller's to close. */
  close(): Promise<void>;
}

/** Wires everything and prepares what must exist before the first request: authorities, code keys, the demo city. */
export async function buildApp(config: Config, ports: Ports, db: Database, options: AppOptions = {}): Promise<App> {
  assertSm2KnownAnswer();
  const { clock } = ports;
  const opened = await openDataKeys(db, ports.dataKeys, clock.now());
  const fields = replaceableFieldCipher(opened);
  const deps = {
    ...ports,
    db,
    fields,
    publicOrigin: config.origin,
    personNaming: config.personNaming,
    crlPartitions: config.crlPartitions,
  };
  const codes = codeKeyRing(deps);
  const report = (what: string, error: unknown) => {
    if (options.logger) options.logger.error({ error: describeForLog(error) }, what);
  };
  const stopPreparing = await prepareTrust(deps, { onAway: (error) => report('signer', error) });
  let jobs: Jobs | undefined;
  const oidc = await createOidcProvider(deps, {
    publicOrigin: config.origin,
    onLogoutQueued: () => jobs?.wake(LOGOUT_JOB),
    onError: (error) => report('sign-in engine', error),
    portal: { cookieName: sessionCookieName(config.origin), endSession: async (token) => void (await endSession(deps, token)) },
  });
  const demo = config.demo ? await seedDemoCity({ ...deps, codes }, demoOrigins(config)) : undefined;
  const metrics = new Registry();
  const context = webContext(config, { ...deps, codes, oidc, metrics }, ports, demo?.facts);
  const server = config.roles.includes('web') ? await createServer(context, await serverOptions(options, deps)) : undefined;
  if (config.roles.includes('worker')) {
    const warn = (sentence: string) => {
      if (options.logger) options.logger.warn(sentence);
    };
    const work = [
      ...workOf({ ...deps, codes, issuer: oidc.issuer }),
      warnOfAuthoritiesJob({ ...deps, production: config.production }, warn),
      ...(options.jobs ?? []),
    ];
    jobs = startJobs({ db, clock, onError: (job, error) => report(`job ${job}`, error) }, work);
  }
  // What a command makes or promotes is followed without a restart. Data keys open here long before anybody seals with them.
  const follow = (what: string, work: () => Promise<void>) =>
    setInterval(() => void work().catch((error) => report(what, error)), options.followEveryMs ?? FOLLOW_EVERY_MS).unref();
  const following = [
    follow('data keys', async () => fields.replaceKeys(await openDataKeys(db, ports.dataKeys, clock.now()))),
    follow('token keys', () => oidc.reloadKeys()),
    ...(server && options.tls ? [follow('device authorities', followDeviceAuthorities(server, options.tls, deps))] : []),
  ];
  registerStatusMetrics(metrics, { db, clock });
  registerJobMetrics(metrics, { db, clock, production: config.production }, () => jobs);
  // A faulty licence template or font stops the start, not the first licence.
  listLicenceTypes();
  warmFonts();
  return {
    context,
    server,
    jobs,
    demoClients: demo?.clients,
    async close() {
      for (const timer of following) clearInterval(timer);
      stopPreparing();
      await server?.close();
      await jobs?.stop();
    },
  };
}

/** Addresses of the demo city's two apps: plain http, and so on loopback, each on its own port. */
export function demoOrigins(config: Pick<Config, 'demoPorts'>): [string, string] {
  const [first, second] = config.demoPorts;
  return [`http://localhost:${first}`, `http://localhost:${second}`];
}

async function serverOptions({ logger, tls }: AppOptions, deps: Pick<WebContext, 'db'>) {
  const offered = tls ? { tls: { ...tls, clientAuthorities: await deviceAuthoritiesPem(deps) } } : {};
  return { ...(logger === undefined ? {} : { logger }), ...offered };
}

/** Devices are asked for certificates of a new authority as soon as it issues. */
function followDeviceAuthorities(server: FastifyInstance, tls: { cert: string; key: string }, deps: Pick<WebContext, 'db'>) {
  let known: string | undefined;
  return async () => {
    const clientAuthorities = await deviceAuthoritiesPem(deps);
    if (clientAuthorities !== known) takeTls(server, { ...tls, clientAuthorities });
    known = clientAuthorities;
  };
}

async function deviceAuthoritiesPem(deps: Pick<WebContext, 'db'>): Promise<string> {
  const { issuing } = await deviceAuthorities(deps);
  return issuing.map(({ der }) => toPem('CERTIFICATE', der)).join('');
}

type Wired = Pick<
  WebContext,
  | 'db'
  | 'clock'
  | 'keys'
  | 'fields'
  | 'files'
  | 'ephemeral'
  | 'sms'
  | 'outbound'
  | 'domains'
  | 'registry'
  | 'codes'
  | 'publicOrigin'
  | 'personNaming'
> &
  Required<Pick<WebContext, 'oidc' | 'metrics'>>;

function webContext(config: Config, wired: Wired, ports: Ports, demo: DemoFacts | undefined): WebContext {
  const { smsMessages } = ports;
  return {
    ...wired,
    production: config.production,
    version: VERSION,
    trustProxy: config.trustProxy,
    readinessChecks: {
      database: async () => (await wired.db.$queryRaw<unknown[]>`SELECT 1`).length === 1,
      store: () => ports.ephemeral.ping(),
      signer: async () => (await ports.keys.find('ca-services-sm2')) !== undefined,
    },
    ...(config.metricsToken ? { metricsToken: config.metricsToken } : {}),
    ...(demo ? { demo } : {}),
    ...(smsMessages ? { simulators: { smsMessages } } : {}),
  };
}

type WorkDeps = Omit<Wired, 'oidc' | 'metrics'> & { issuer: string; dataKeys: DataKeys };

/** Background work; each is safe to run in several processes and to be cut off. */
function workOf(deps: WorkDeps): Job[] {
  return [
    logoutDeliveryJob(deps),
    sweepOidcJob(deps),
    alone('sweep-sign-in', 3600, () => sweepSignIn(deps)),
    alone('chain-audit', 5, async () => (await chainEvents(deps)).chained),
    alone('audit-checkpoint', 60, () => writeCheckpoint(deps)),
    alone('retire-keys', 3600, () => retireKeys(deps)),
    // Each batch holds its own lock: no lease outlives a crash.
    { name: 'change-index-key', everySeconds: 10, run: () => changeIndexKey(deps) },
    resealJob(deps),
    alone('certify-code-keys', 3600, () => certifyCodeKeys(deps)),
    alone('publish-crls', 60, () => publishDueCrls(deps)),
    alone('sweep-crls', 3600, () => sweepCrls(deps)),
    alone('refresh-ocsp', 60, () => refreshOcspAnswers(deps)),
    // Its own lock lets one process at it: no lease outlives a crash, and the maximum merge delay holds.
    { name: 'issuance-log', everySeconds: 1, run: () => publishLog(deps) },
    alone('certify-log-keys', 3600, () => certifyRecordKeys(deps, 'issuance-log')),
    alone('certify-trust-list-keys', 3600, () => certifyRecordKeys(deps, 'trust-list')),
    alone('trust-list', 60, () => publishTrustList(deps)),
    alone('settle-certificate-requests', 30, () => settleCertificateRequests(deps)),
    alone('revoke-ended-authority', 60, () => revokeEndedAuthority(deps)),
    alone('certificate-notices', 60, async () => (await writeCertificateNotices(deps)) + (await sendCertificateNotices(deps))),
    alone('publish-status-list', 30, () => currentStatusList(deps)),
    alone('resume-issuing', 60, () => resumeIssuing(deps)),
    { name: 'seal-jobs', everySeconds: 2, run: () => runSealJobs(deps) },
    alone('sweep-seal-jobs', 3600, () => sweepSealJobs(deps)),
    alone('revoke-ended-seals', 60, () => revokeEndedSeals(deps)),
    alone('destroy-seal-keys', 600, () => destroySealKeys(deps)),
  ];
}

/** Work for one process at a time; a number it answers says how much was done, and so whether to look again at once. */
function alone(name: string, everySeconds: number, work: () => Promise<unknown>): Job {
  return {
    name,
    everySeconds,
    exclusive: true,
    run: async () => {
      const done = await work();
      return typeof done === 'number' ? done : 0;
    },
  };
}
