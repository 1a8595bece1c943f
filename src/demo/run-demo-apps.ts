import { type RelyingApp, runRelyingApp } from './relying-apps/run-relying-app.ts';
import type { DemoClient } from './relying-apps/seed-demo-clients.ts';

/** Runs the demo city's apps, each on the port of its own origin, each knowing of the other. */
export async function runDemoApps(issuer: string, clients: readonly DemoClient[]): Promise<RelyingApp[]> {
  return Promise.all(
    clients.map((client) => {
      const other = clients.find(({ clientId }) => clientId !== client.clientId) ?? client;
      return runRelyingApp({ ...client, issuer, other: { name: other.app.name, origin: other.origin } });
    }),
  );
}
