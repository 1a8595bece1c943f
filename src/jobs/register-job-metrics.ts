import { Gauge, type Registry } from 'prom-client';
import { authorityWarnings } from '#certificates/hold-ceremony.ts';
import { countLogoutDeliveries } from '#oidc/deliver-logouts.ts';
import type { OidcDeps } from '#oidc/oidc-deps.ts';
import { findResealing } from '#storage/find-resealing.ts';
import { indexProgress } from './change-index-key.ts';
import type { Jobs } from './run-jobs.ts';
import { sharedWhileReading } from './shared-while-reading.ts';

/**
 * What an operator wants an alarm on: log-outs that wait or were given up, jobs that fail, and authorities that need their keepers
 * soon. Read when somebody asks for /metrics.
 */
export function registerJobMetrics(
  registry: Registry,
  deps: Pick<OidcDeps, 'db' | 'clock'> & { production?: boolean },
  jobs: () => Jobs | undefined,
): void {
  const registers = [registry];
  const deliveries = sharedWhileReading(() => countLogoutDeliveries(deps));
  const newestResealing = sharedWhileReading(() => findResealing(deps.db));
  new Gauge({
    name: 'tongren_logout_deliveries',
    help: 'Back-channel log-outs by state: pending, or failed for good.',
    labelNames: ['state'],
    registers,
    async collect() {
      const { pending, failed } = await deliveries();
      this.set({ state: 'pending' }, pending);
      this.set({ state: 'failed' }, failed);
    },
  });
  new Gauge({
    name: 'tongren_logout_delivery_oldest_pending_seconds',
    help: 'Age of the oldest back-channel log-out that is not confirmed yet.',
    registers,
    // For itself: what another gauge sets while it is collected shows one scrape too late.
    async collect() {
      this.set((await deliveries()).oldestPendingSeconds);
    },
  });
  new Gauge({
    name: 'tongren_authority_warning_seconds',
    help: 'Seconds left until the list of an offline root (crl-ends) or the certificate of an authority (certificate-ends) ends; 0 when a list is missing (crl-missing). Absent while there is time.',
    labelNames: ['key', 'what'],
    registers,
    async collect() {
      // What was seen to since must not go on ringing.
      this.reset();
      const now = deps.clock.now().getTime();
      for (const { keyName, what, at } of await authorityWarnings(deps)) {
        this.set({ key: keyName, what }, at ? Math.round((at.getTime() - now) / 1000) : 0);
      }
    },
  });
  new Gauge({
    name: 'tongren_index_key_versions',
    help: 'Versions of the blind-index key that count: 1, or more while a change of it is under way.',
    registers,
    async collect() {
      this.set(await deps.db.dataKey.count({ where: { purpose: 'index', retiredAt: null } }));
    },
  });
  new Gauge({
    name: 'tongren_index_key_rows',
    help: 'Rows of the change of the blind-index key that is under way, or was last: indexed anew (moved), or left because they cannot be (left).',
    labelNames: ['target', 'state'],
    registers,
    async collect() {
      this.reset();
      const newest = await deps.db.blindIndexPass.findFirst({ orderBy: { version: 'desc' }, select: { version: true } });
      for (const { target, moved, left } of newest ? await indexProgress(deps, newest.version) : []) {
        this.set({ target, state: 'moved' }, moved);
        this.set({ target, state: 'left' }, left);
      }
    },
  });
  new Gauge({
    name: 'tongren_reseal_values',
    help: 'Values and files of the newest pass from older data keys to the newest: looked at, resealed, faulty. Absent when there was none.',
    labelNames: ['what'],
    registers,
    async collect() {
      const resealing = await newestResealing();
      for (const what of ['looked', 'resealed', 'faulty'] as const) if (resealing) this.set({ what }, resealing[what]);
    },
  });
  new Gauge({
    name: 'tongren_reseal_running',
    help: '1 while such a pass waits or runs.',
    registers,
    async collect() {
      const resealing = await newestResealing();
      this.set(resealing && !resealing.endedAt ? 1 : 0);
    },
  });
  new Gauge({
    name: 'tongren_job_failures',
    help: 'Failures in a row of each background job of this process; 0 after a success.',
    labelNames: ['job'],
    registers,
    collect() {
      for (const { name, failures } of jobs()?.status() ?? []) this.set({ job: name }, failures);
    },
  });
}
