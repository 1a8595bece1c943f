/**
 * What the pages and the API need from the rest of the program, as one object made by the composition root.
 * Routes hand it to use-cases as their `deps`; nothing here reads the environment.
 */
import type { Registry } from 'prom-client';
import type { PersonNaming } from '#certificates/name-person.ts';
import type { CodeKeyRing } from '#codes/code-key-ring.ts';
import type { FieldCipher } from '#crypto/field-cipher.ts';
import type { Oidc } from '#oidc/create-oidc-provider.ts';
import type { Clock } from '#ports/clock.ts';
import type { DomainControl } from '#ports/domain-control.ts';
import type { EphemeralStore } from '#ports/ephemeral-store.ts';
import type { FileStore } from '#ports/file-store.ts';
import type { KeyStore } from '#ports/key-store.ts';
import type { Outbound } from '#ports/outbound.ts';
import type { PopulationRegistry } from '#ports/population-registry.ts';
import type { SmsGateway } from '#ports/sms-gateway.ts';
import type { Database } from '#storage/database.ts';

/** One message that a simulated gateway "sent", for the demo's message page. */
export interface SimulatedSms {
  phone: string;
  text: string;
  at: Date;
}

/** An account of the demo city, shown on the home page so that a newcomer knows with what to sign in. */
export interface DemoAccount {
  login: string;
  password: string;
  /** Who this is, for example 市民 / citizen. */
  roleZh: string;
  roleEn: string;
  /** Where to go with it. */
  path: string;
}

export interface DemoFacts {
  accounts: readonly DemoAccount[];
  /** The relying apps of the demo city. */
  apps: readonly { nameZh: string; nameEn: string; url: string }[];
}

export interface WebContext {
  db: Database;
  clock: Clock;
  keys: KeyStore;
  fields: FieldCipher;
  files: FileStore;
  ephemeral: EphemeralStore;
  sms: SmsGateway;
  outbound: Outbound;
  domains?: DomainControl;
  registry: PopulationRegistry;
  /** The keys that sign codes, kept at hand: one ring for the process. */
  codes: CodeKeyRing;
  /** Scheme, host and port as the outside sees us, without a trailing slash. */
  publicOrigin: string;
  /** What certificates say of people. */
  personNaming?: PersonNaming;
  production: boolean;
  /** Shown in the footer and by /health. */
  version: string;
  /** `${publicOrigin}/oidc`; absent only in tests of pages that never meet it. */
  oidc?: Oidc;
  /** Set in the demo only. */
  demo?: DemoFacts;
  /** Set when simulators stand in for real gateways; production has none. */
  simulators?: { smsMessages(): readonly SimulatedSms[] };
  /** Each answers whether one thing we depend on is there, within a second or so. */
  readinessChecks?: Record<string, () => Promise<boolean>>;
  /** Metrics of the whole process; a server without one makes its own. */
  metrics?: Registry;
  /** Who sends this as a bearer token may read /metrics from afar. */
  metricsToken?: string;
  /** `true`: one proxy stands in front, and the last address in X-Forwarded-For is what it saw. Or the addresses of proxies. */
  trustProxy?: boolean | string | string[];
}
