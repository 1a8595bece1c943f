import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { afterAll } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import type { Role } from '#access/staff.ts';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { simulatedDomainControl } from '#adapters/simulated-domain-control.ts';
import { simulatedPopulationRegistry } from '#adapters/simulated-population-registry.ts';
import { simulatedSmsGateway } from '#adapters/simulated-sms-gateway.ts';
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { issueLicence } from '#licences/issue-licence.ts';
import { createOidcProvider } from '#oidc/create-oidc-provider.ts';
import { registerPerson } from '#people/register-person.ts';
import { openSession } from '#sign-in/sessions.ts';
import type { DatabaseAddress } from '#storage/database.ts';
import { freePort } from '#test/free-port.ts';
import { exampleFields, type SampleCity, sampleCity } from '#test/room/licences/sample-city.ts';
import { testDatabase } from '#test/test-database.ts';
import { createServer } from '#web/create-server.ts';
import type { WebContext } from '#web/web-context.ts';

const number = (birth: string, order: string) => `350203${birth}${order}${citizenCheckCharacter(`350203${birth}${order}`)}`;

/** In the population register, not yet known here. */
export const NEWCOMER = { name: '林晓彤', citizenNumber: '990101199003070023' };

export interface WebCity extends SampleCity {
  origin: string;
  /** Of its database, for a second process. */
  address: DatabaseAddress;
  /** A fresh session's token, for the cookie `tongren_session`. */
  sessionOf(personId: string): Promise<string>;
  server: FastifyInstance;
  context: WebContext;
  /** An operator and an auditor of the department. */
  operator: string;
  auditor: string;
  /** A browser nobody is signed in at. */
  stranger(): Browser;
  /** A browser at which this person is signed in. */
  as(personId: string): Promise<Browser>;
  issue(
    type: string,
    holder: { personId: string } | { organisationId: string },
    photo?: Uint8Array,
  ): Promise<{ licenceId: string; identifier: string; publicToken: string }>;
}

export interface Browser {
  get(path: string, headers?: Record<string, string>): Promise<LightMyRequestResponse>;
  /** Sends a form as the page at `from` would: with the token found there. */
  submit(from: string, action: string, fields: Record<string, string | string[]>): Promise<LightMyRequestResponse>;
  /** As the pages' own modules do: JSON with the token in a header. */
  fetchJson(path: string, body: unknown, from?: string): Promise<LightMyRequestResponse>;
  send(options: {
    method: 'POST' | 'PUT';
    url: string;
    headers?: Record<string, string>;
    payload?: string | Buffer;
  }): Promise<LightMyRequestResponse>;
  cookies: Map<string, string>;
}

/** @param listen true opens a port of its own, for browsers with a screen. */
export async function webCity({ listen = false } = {}): Promise<WebCity> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const { db, address } = await testDatabase();
  const city = await sampleCity(db);
  const outbound = allowListedFetch({ hosts: [], allowLoopback: true });
  const deps = { ...city.deps, outbound, domains: simulatedDomainControl(), publicOrigin: origin };
  const oidc = await createOidcProvider(deps, { publicOrigin: origin });
  const sms = simulatedSmsGateway({ clock: deps.clock });
  const context: WebContext = {
    ...deps,
    sms,
    oidc,
    registry: simulatedPopulationRegistry([NEWCOMER]),
    production: false,
    version: 'test',
    readinessChecks: { database: async () => true },
    demo: { accounts: [{ login: '13900000001', password: 'secret', roleZh: '市民', roleEn: 'Citizen', path: '/my' }], apps: [] },
    simulators: { smsMessages: () => sms.messages() },
  };
  const server = await createServer(context, { logger: false });
  afterAll(() => server.close());
  if (listen) await server.listen({ port, host: '127.0.0.1' });
  const staff = async (name: string, citizenNumber: string, roles: Role[]) => {
    const { id } = await registerPerson(deps, { name, citizenNumber, by: 'system:test' });
    await appointStaff(deps, { personId: id, organisationId: city.department.id, roles, by: 'system:test' });
    return id;
  };
  const operator = await staff('孙运行', number('19810707', '001'), ['operator']);
  const auditor = await staff('钱审计', number('19820808', '002'), ['auditor']);
  const sessionOf = async (personId: string) => (await openSession(deps, { personId, acr: 'urn:tongren:acr:3', amr: ['pwd'] })).token;
  return {
    ...city,
    origin,
    address,
    sessionOf,
    server,
    context,
    operator,
    auditor,
    stranger: () => browser(server),
    as: async (personId) => browser(server, { tongren_session: await sessionOf(personId) }),
    issue: (type, holder, photo) =>
      issueLicence(deps, {
        type,
        holder,
        fields: exampleFields(type),
        photo: photo && { format: 'PNG', bytes: photo },
        issuerOrganisationId: city.department.id,
        by: { personId: city.issuer, organisationId: city.department.id },
      }),
  };
}

function browser(server: FastifyInstance, initial: Record<string, string> = {}): Browser {
  const cookies = new Map(Object.entries(initial));
  const inject = async (options: {
    method: 'GET' | 'POST' | 'PUT';
    url: string;
    headers?: Record<string, string>;
    payload?: string | Buffer;
  }) => {
    const response = await server.inject({ ...options, cookies: Object.fromEntries(cookies) });
    for (const { name, value } of response.cookies) {
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    return response;
  };
  const get = (path: string, headers: Record<string, string> = {}) =>
    inject({ method: 'GET', url: path, headers: { accept: 'text/html', ...headers } });
  const tokenOf = async (path: string) => {
    const page = await get(path);
    const token = /name="csrf" value="([^"]+)"|data-csrf="([^"]+)"/.exec(page.body);
    return token?.[1] ?? token?.[2] ?? '';
  };
  return {
    cookies,
    get,
    send: inject,
    async submit(from, action, fields) {
      const body = new URLSearchParams({ csrf: await tokenOf(from) });
      for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) body.append(name, one);
      const headers = { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' };
      return inject({ method: 'POST', url: action, headers, payload: body.toString() });
    },
    async fetchJson(path, body, from = '/') {
      const headers = { accept: 'application/json', 'content-type': 'application/json', 'x-csrf-token': await tokenOf(from) };
      return inject({ method: 'POST', url: path, headers, payload: JSON.stringify(body) });
    },
  };
}
