import { findClientMetadata } from '#oidc/clients.ts';
import type { OidcDeps } from '#oidc/oidc-deps.ts';
import { changeClientAddresses, registerClient } from '#oidc/register-client.ts';
import { CITY_APPS, type CityApp } from './city-apps.ts';

export interface DemoClient {
  app: CityApp;
  /** Scheme, host and port of the app. */
  origin: string;
  clientId: string;
  clientSecret: string;
}

/** Addresses of an app at its origin. */
export function addressesOf(origin: string) {
  return {
    redirectUris: [`${origin}/signed-in`],
    postLogoutRedirectUris: [`${origin}/signed-out`],
    logoutUri: `${origin}/backchannel-logout`,
  };
}

/** Registers the demo apps, or brings their addresses up to date when the ports changed. May be called at every start. */
export async function seedDemoClients(
  deps: Pick<OidcDeps, 'db' | 'clock' | 'fields'>,
  { origins }: { origins: readonly [string, string] },
): Promise<DemoClient[]> {
  const by = 'system:demo';
  const clients: DemoClient[] = [];
  for (const [index, app] of CITY_APPS.entries()) {
    const origin = origins[index] ?? '';
    const known = await deps.db.oidcClient.findUnique({ where: { id: app.id }, select: { id: true } });
    if (known) await changeClientAddresses(deps, { id: app.id, ...addressesOf(origin), by, allowLoopback: true });
    else {
      await registerClient(deps, {
        id: app.id,
        kind: 'web',
        name: app.name,
        operator: app.operator,
        purpose: app.purpose,
        homepage: origin,
        ...addressesOf(origin),
        scopes: app.scopes,
        requiredClaims: app.requiredClaims,
        firstParty: app.firstParty,
        authMethod: 'client_secret_basic',
        sector: `${app.id}.demo`,
        by,
        allowLoopback: true,
      });
    }
    const metadata = await findClientMetadata(deps, app.id);
    clients.push({ app, origin, clientId: app.id, clientSecret: String(metadata?.['client_secret'] ?? '') });
  }
  return clients;
}
