/** Makes the demo city: people and bodies, the two apps, seals and licences. Doing it again changes nothing. */
import type { LicenceDeps } from '#licences/licence-deps.ts';
import type { OidcDeps } from '#oidc/oidc-deps.ts';
import { type DemoClient, seedDemoClients } from './relying-apps/seed-demo-clients.ts';
import { seedLicences } from './seed-licences.ts';
import { seedPeople } from './seed-people.ts';

/** What the home page and the start show. */
export interface SeededCity {
  facts: {
    accounts: { login: string; password: string; roleZh: string; roleEn: string; path: string }[];
    apps: { nameZh: string; nameEn: string; url: string }[];
  };
  clients: DemoClient[];
}

export async function seedDemoCity(deps: LicenceDeps & OidcDeps, appOrigins: readonly [string, string]): Promise<SeededCity> {
  const city = await seedPeople(deps);
  const clients = await seedDemoClients(deps, { origins: appOrigins });
  await seedLicences(deps, city);
  return {
    facts: {
      accounts: city.accounts.map(({ login, password, roleZh, roleEn, path }) => ({ login, password, roleZh, roleEn, path })),
      apps: clients.map(({ app, origin }) => ({ nameZh: app.name.zh, nameEn: app.name.en, url: origin })),
    },
    clients,
  };
}
