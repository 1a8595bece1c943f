import { afterAll, onTestFinished } from 'vitest';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { inProcessStore } from '#adapters/in-process-store.ts';
import { simulatedPopulationRegistry } from '#adapters/simulated-population-registry.ts';
import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { DEMO_NEWCOMERS, DEMO_POPULATION } from '#demo/demo-people.ts';
import { createOidcProvider } from '#oidc/create-oidc-provider.ts';
import { type NewPerson, registerPerson } from '#people/register-person.ts';
import { endSession } from '#sign-in/sessions.ts';
import { setPassword } from '#sign-in/set-password.ts';
import type { Database } from '#storage/database.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { freePort } from '#test/free-port.ts';
import { createServer } from '#web/create-server.ts';
import type { WebContext } from '#web/web-context.ts';

export const PASSWORD = 'Banyan-Tree-37';
export const NEWCOMER = DEMO_NEWCOMERS[0] as { name: string; citizenNumber: string };

/** @param options `keepOpen`: made outside a test, the server lives as long as the file; `trustProxy`: a proxy stands in front; `production`. */
export async function loginWorld(db: Database, options: { keepOpen?: boolean; trustProxy?: boolean; production?: boolean } = {}) {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const clock = { now: () => new Date() };
  const sms = simulatedSmsGateway();
  const deps = {
    db,
    clock,
    fields: testFields(),
    ephemeral: inProcessStore(),
    outbound: allowListedFetch({ hosts: [], allowLoopback: true }),
  };
  const oidc = await createOidcProvider(deps, {
    publicOrigin: origin,
    portal: { cookieName: 'tongren_session', endSession: async (token) => void (await endSession(deps, token)) },
  });
  const context = {
    ...deps,
    sms,
    registry: simulatedPopulationRegistry(DEMO_POPULATION),
    publicOrigin: origin,
    production: options.production ?? false,
    version: 'test',
    trustProxy: options.trustProxy ?? false,
    oidc,
    simulators: { smsMessages: () => sms.messages() },
  } as unknown as WebContext;
  const server = await createServer(context, { logger: false });
  await server.listen({ port, host: '127.0.0.1' });
  if (options.keepOpen) afterAll(() => server.close());
  else onTestFinished(() => server.close());

  let people = 0;
  const prefix = `13${3 + Math.floor(Math.random() * 6)}${String(Math.floor(Math.random() * 1e6)).padStart(6, '0')}`;
  const newPhone = () => `${prefix}${String(++people).padStart(2, '0')}`;
  /** A person with a password; at level 2 unless evidence says more. */
  const person = async (evidence?: NewPerson['evidence']) => {
    const phone = newPhone();
    const { id } = await registerPerson(deps, { name: '林晓梅', phone, evidence, by: 'system:test' });
    await setPassword(deps, { personId: id, password: PASSWORD, by: 'system:test' });
    return { id, phone };
  };
  const lastCode = (phone: string) =>
    /码为(\d{6})/.exec(sms.messages().find((message) => message.phone === `+86${phone}`)?.text ?? '')?.[1] ?? '';
  return { origin, context, deps: { ...deps, issuer: oidc.issuer }, oidc, server, person, newPhone, lastCode, sms };
}

/** Finds the form whose action ends so, and gives its hidden fields. */
export function formTo(html: string, ending: string): { action: string; body: URLSearchParams } {
  for (const [form] of html.matchAll(/<form[^>]*>[\s\S]*?<\/form>/g)) {
    const action = /action="([^"]*)"/.exec(form)?.[1]?.replaceAll('&amp;', '&') ?? '';
    if (!action.endsWith(ending)) continue;
    const body = new URLSearchParams();
    for (const [input] of form.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      body.append(/name="([^"]*)"/.exec(input)?.[1] ?? '', /value="([^"]*)"/.exec(input)?.[1]?.replaceAll('&amp;', '&') ?? '');
    }
    return { action, body };
  }
  throw new Error(`no form to …${ending} in ${html.slice(0, 2000)}`);
}
