/**
 * Who may do what, route by route. Every route of the server stands in one of the tables below: a new one fails here until somebody
 * has said who may call it, and then it is tried with everybody who may not.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { beforeAll, describe, expect, test } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { ROLES, type Role } from '#access/staff.ts';
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { API_SCOPES, type ApiScope } from '#oidc/api-scopes.ts';
import { registerOrganisation } from '#people/organisations.ts';
import { registerPerson } from '#people/register-person.ts';
import { apiToken } from './api-system.ts';
import { type Browser, type WebCity, webCity } from './web-city.ts';

/** Nobody is asked who they are, and nothing changes; those that take a body say `csrf: false`. */
const PUBLIC = [
  'GET /',
  'GET /.well-known/est/:label/cacerts',
  'GET /.well-known/est/:label/csrattrs',
  'GET /.well-known/est/cacerts',
  'GET /.well-known/est/csrattrs',
  'GET /admin/trust',
  'GET /api/codes/keys',
  'GET /api/codes/status-list',
  'GET /api/docs',
  'GET /api/docs/json',
  'GET /api/docs/static/*',
  'GET /api/docs/static/index.html',
  'GET /api/docs/static/swagger-initializer.js',
  'GET /api/docs/yaml',
  'GET /assets/*',
  'GET /ca',
  'GET /ca/:file',
  'GET /codes/keys',
  'GET /crl/:file',
  'GET /demo/sms',
  'GET /favicon.ico',
  'GET /health/live',
  'GET /health/ready',
  'GET /large-type',
  'GET /log/v1/get-entries',
  'GET /log/v1/get-entry-and-proof',
  'GET /log/v1/get-proof-by-hash',
  'GET /log/v1/get-roots',
  'GET /log/v1/get-sth',
  'GET /log/v1/get-sth-consistency',
  'GET /log/v1/log.json',
  'GET /logged-out',
  'GET /metrics',
  'GET /ocsp/*',
  'GET /problems',
  'GET /problems/:code',
  'GET /robots.txt',
  'GET /api/seal-status/:esId',
  'GET /seals/:esId',
  'GET /trust/bundle.pem',
  'GET /trust/list.json',
  'GET /v/:token',
  'GET /verify',
  'POST /api/certificates/validate',
  'POST /api/verify',
  'POST /ocsp',
  'POST /tsa',
  'POST /tsa/sm2',
  'POST /verify',
];

/** They judge for themselves who comes: devices by token or certificate, apps by the rules of OpenID Connect. */
const OWN_RULES = [
  'POST /.well-known/est/:label/simpleenroll',
  'POST /.well-known/est/:label/simplereenroll',
  'POST /.well-known/est/simpleenroll',
  'POST /.well-known/est/simplereenroll',
  'GET /.well-known/oauth-authorization-server/oidc',
  'ALL /oidc',
  'ALL /oidc/*',
];

/** Signing in and out: for who is not signed in, but only from our own pages. */
const VISITORS = [
  'GET /consent/:uid',
  'GET /login',
  'GET /login/:uid',
  'GET /login/:uid/code',
  'GET /login/:uid/foreign-certificate',
  'GET /login/:uid/register',
  'GET /login/code',
  'GET /login/foreign-certificate',
  'GET /login/new-password',
  'GET /login/register',
  'POST /consent/:uid',
  'POST /login',
  'POST /login/:uid',
  'POST /login/:uid/as-is',
  'POST /login/:uid/certificate',
  'POST /login/:uid/certificate/challenge',
  'POST /login/:uid/code',
  'POST /login/:uid/foreign-certificate',
  'POST /login/:uid/foreign-certificate/challenge.txt',
  'POST /login/:uid/foreign-certificate/text',
  'POST /login/:uid/refuse',
  'POST /login/:uid/register',
  'POST /login/:uid/sms-code',
  'POST /login/certificate',
  'POST /login/certificate/challenge',
  'POST /login/code',
  'POST /login/foreign-certificate',
  'POST /login/foreign-certificate/challenge.txt',
  'POST /login/foreign-certificate/text',
  'POST /login/register',
  'POST /login/sms-code',
  'POST /logout',
];

/** Whoever is signed in, about themselves. */
const SIGNED_IN = [
  'GET /api/my/look-ups/latest',
  'GET /login/real-name',
  'GET /my',
  'GET /my/account',
  'GET /my/apps',
  'GET /my/certificates',
  'GET /my/certificates/:serial',
  'GET /my/certificates/:serial/certificate.pem',
  'GET /my/certificates/foreign',
  'GET /my/certificates/sign',
  'GET /my/licences/:id',
  'GET /my/licences/:id/code',
  'GET /my/licences/:id/licence.:format',
  'GET /my/licences/:id/picture.png',
  'GET /my/look-ups',
  'GET /my/organisations',
  'GET /my/sessions',
  'GET /position',
  'POST /api/my/licences/:id/code',
  'POST /login/new-password',
  'POST /login/real-name',
  'POST /my/account/password',
  'POST /my/account/real-name',
  'POST /my/apps/:clientId/withdraw',
  'POST /my/certificates',
  'POST /my/certificates/:serial/encryption',
  'POST /my/certificates/:serial/recovered-key',
  'POST /my/certificates/:serial/revoke',
  'POST /my/certificates/foreign',
  'POST /my/certificates/foreign/:id/remove',
  'POST /my/certificates/foreign/challenge.txt',
  'POST /my/certificates/foreign/text',
  'POST /my/certificates/notices/:id/read',
  'POST /my/certificates/sign/finish',
  'POST /my/certificates/sign/prepare',
  'POST /my/sessions/:id/end',
  'POST /my/sessions/end-all',
  'POST /my/organisations/:id/mandates',
  'POST /my/organisations/mandates/:id/withdraw',
  'POST /my/sessions/end-others',
  'POST /position',
];

const WATCH: Role[] = ['operator', 'auditor'];
const SEALS: Role[] = ['seal-admin', 'approver', 'issuer'];

/** Staff with one of these roles. */
const STAFF: Record<string, Role[]> = {
  'GET /admin': WATCH,
  'GET /admin/apps': WATCH,
  'GET /admin/apps/:id': WATCH,
  'GET /admin/apps/new': ['operator'],
  'GET /admin/audit': WATCH,
  'GET /admin/certificates': WATCH,
  'GET /admin/certificates/:serial': WATCH,
  'GET /admin/certificates/:serial/certificate.pem': WATCH,
  'GET /admin/devices': WATCH,
  'GET /admin/devices/:id': WATCH,
  'GET /admin/recoveries': WATCH,
  'GET /admin/recoveries/:id': WATCH,
  'GET /admin/recoveries/new': ['operator'],
  'GET /admin/requests': WATCH,
  'GET /admin/requests/:id': WATCH,
  'GET /admin/seal-jobs': WATCH,
  'GET /admin/seal-jobs/:id': WATCH,
  'GET /admin/seal-jobs/:id/errors.csv': WATCH,
  'GET /admin/seals': WATCH,
  'GET /admin/seals/:id': WATCH,
  'GET /admin/seals/:id/uses': WATCH,
  'GET /admin/seals/:id/uses.csv': WATCH,
  'GET /admin/services': WATCH,
  'GET /admin/services/:key': WATCH,
  'GET /admin/staff': WATCH,
  'GET /admin/staff/:id': WATCH,
  'GET /admin/trust-list': WATCH,
  'GET /admin/trust-list/:id': WATCH,
  'GET /counter': ['counter'],
  'GET /counter/history': ['counter'],
  'GET /counter/offline': ['counter'],
  'GET /desk': SEALS,
  'GET /desk/certificates': ['seal-admin'],
  'GET /desk/certificates/:id': ['seal-admin'],
  'GET /desk/certificates/:id/certificate.pem': ['seal-admin'],
  'GET /desk/certificates/:id/encryption.pem': ['seal-admin'],
  'GET /desk/issue': ['issuer'],
  'GET /desk/issue/:type': ['issuer'],
  'GET /desk/licences/:id': ['issuer'],
  'GET /desk/licences/:id/licence.:format': ['issuer'],
  'GET /desk/seal-jobs': ['issuer'],
  'GET /desk/seal-jobs/:id': ['issuer'],
  'GET /desk/seal-jobs/:id/errors.csv': ['issuer'],
  'GET /desk/seal-jobs/:id/files/:key': ['issuer'],
  'GET /desk/seal-jobs/:id/results.zip': ['issuer'],
  'GET /desk/seal-jobs/new': ['issuer'],
  'GET /desk/seals': SEALS,
  'GET /desk/seals/:id': SEALS,
  'GET /desk/seals/:id/files/:file': SEALS,
  'GET /desk/seals/:id/rules': ['seal-admin'],
  'GET /desk/seals/:id/uses': SEALS,
  'GET /desk/seals/:id/uses.csv': SEALS,
  'POST /admin/apps/:id/:act': ['operator'],
  'POST /admin/apps/new': ['operator'],
  'POST /admin/certificates/:serial/release': ['operator'],
  'POST /admin/certificates/:serial/revoke': ['operator'],
  'POST /admin/devices': ['operator'],
  'POST /admin/devices/:id/key-file': ['operator'],
  'POST /admin/devices/:id/retire': ['operator'],
  'POST /admin/devices/:id/token': ['operator'],
  'POST /admin/recoveries': ['operator'],
  'POST /admin/recoveries/:id': ['operator'],
  'POST /admin/recoveries/:id/envelope': ['operator'],
  'POST /admin/requests/:id': ['operator'],
  'POST /admin/staff': ['operator'],
  'POST /admin/staff/:id': ['operator'],
  'POST /admin/staff/:id/:staffId/dismiss': ['operator'],
  'POST /admin/staff/:id/representative': ['operator'],
  'POST /admin/staff/:id/representative/decision': ['operator'],
  'POST /admin/trust-list': ['operator'],
  'POST /admin/trust-list/:id/:act': ['operator'],
  'POST /api/certificates/requests/:id/decision': ['operator'],
  'POST /counter': ['counter'],
  'POST /desk/certificates': ['seal-admin'],
  'POST /desk/certificates/:id/cancel': ['seal-admin'],
  'POST /desk/certificates/:id/domains': ['seal-admin'],
  'POST /desk/certificates/:id/encryption-envelope': ['seal-admin'],
  'POST /desk/certificates/:id/encryption-key-file': ['seal-admin'],
  'POST /desk/certificates/:id/recovered-key': ['seal-admin'],
  'POST /desk/certificates/:id/revoke': ['seal-admin'],
  'POST /desk/issue/:type': ['issuer'],
  'POST /desk/licences/:id/status': ['issuer'],
  'POST /desk/seal-jobs': ['issuer'],
  'POST /desk/seal-jobs/:id/:act': ['issuer'],
  'POST /desk/seal-jobs/:id/files': ['issuer'],
  'POST /desk/seals': ['seal-admin'],
  'POST /desk/seals/:id/:act': ['approver'],
  'POST /desk/seals/:id/changes/:approval': ['approver'],
  'POST /desk/seals/:id/rules': ['seal-admin'],
  'POST /desk/seals/preview': ['seal-admin'],
};

/** Staff with one of these roles, or a system whose token has the scope. */
const API: Record<string, [ApiScope, Role[]]> = {
  'GET /api/certificates/:serial': ['certificates:read', ['seal-admin']],
  'GET /api/certificates/queue': ['certificates:review', WATCH],
  'GET /api/certificates/requests': ['certificates:read', ['seal-admin']],
  'GET /api/certificates/requests/:id': ['certificates:read', ['seal-admin']],
  'GET /api/licences': ['licences:read', ['issuer']],
  'GET /api/licences/:id': ['licences:read', ['issuer']],
  'GET /api/licences/:id/files/:format': ['licences:read', ['issuer']],
  'GET /api/seal-jobs': ['seals:use', ['issuer']],
  'GET /api/seal-jobs/:id': ['seals:use', ['issuer']],
  'GET /api/seal-jobs/:id/files': ['seals:use', ['issuer']],
  'GET /api/seal-jobs/:id/files/:key': ['seals:use', ['issuer']],
  'GET /api/seal-jobs/:id/results.zip': ['seals:use', ['issuer']],
  'GET /api/seals': ['seals:read', SEALS],
  'GET /api/seals/:id/uses': ['seals:read', SEALS],
  'POST /api/certificates/:serial/encryption': ['certificates:request', ['seal-admin']],
  'POST /api/certificates/:serial/revoke': ['certificates:revoke', ['seal-admin']],
  'POST /api/certificates/requests': ['certificates:request', ['seal-admin']],
  'POST /api/certificates/requests/:id/domains': ['certificates:request', ['seal-admin']],
  'POST /api/codes/offline-uses': ['codes:redeem', ['counter']],
  'POST /api/codes/redeem': ['codes:redeem', ['counter']],
  'POST /api/licences': ['licences:issue', ['issuer']],
  'POST /api/licences/:id/status': ['licences:status', ['issuer']],
  'POST /api/seal-jobs': ['seals:use', ['issuer']],
  'POST /api/seal-jobs/:id/:act': ['seals:use', ['issuer']],
  'PUT /api/seal-jobs/:id/files/:key': ['seals:use', ['issuer']],
};

const ID = '0198f0c2-7b1e-7000-8000-00000000abcd';
const REQUEST_ID = 'matrix-0001';

/** What stands for the parameters: well-formed, and nobody's. */
function addressOf(route: string): string {
  const path = route.slice(route.indexOf(' ') + 1);
  const act = path.startsWith('/admin/apps') ? 'suspend' : path.includes('/seal-jobs') ? 'start' : 'approve';
  const values: Record<string, string> = { id: ID, staffId: ID, act, serial: 'ab12', format: 'pdf', type: 'residence-permit' };
  const filled = path.replace(/:(\w+)/g, (_, name: string) => values[name] ?? 'nobodys-value-0001');
  return filled.endsWith('/files/pdf') ? `${filled}?purpose=matrix` : filled;
}

/** Bodies that the operation's own schema takes, so that what refuses is not the form. */
const BODIES: Record<string, unknown> = {
  'POST /api/certificates/:serial/encryption': {},
  'POST /api/certificates/:serial/revoke': { reason: 'superseded' },
  'POST /api/certificates/requests': { csr: 'x'.repeat(80), requestId: REQUEST_ID },
  'POST /api/certificates/requests/:id/decision': { decision: 'approve', digest: '0'.repeat(64) },
  'POST /api/codes/offline-uses': { digits: '1', purpose: 'matrix', usedAt: '2026-06-01T07:59:00Z', requestId: REQUEST_ID },
  'POST /api/codes/redeem': { input: '1', purpose: 'matrix', requestId: REQUEST_ID },
  'POST /api/licences': { type: 'residence-permit', holder: { uscc: '9'.repeat(18) }, fields: {} },
  'POST /api/licences/:id/status': { status: 'revoked', reason: 'matrix' },
  'POST /api/seal-jobs': { sealId: ID, requestId: REQUEST_ID },
  'POST /login/certificate': { challenge: 'x', serial: 'ab', signature: 'AAAA' },
  'POST /login/:uid/certificate': { challenge: 'x', serial: 'ab', signature: 'AAAA' },
  'POST /my/certificates': { csr: 'x', requestId: REQUEST_ID },
};

let city: WebCity;
let registered: { route: string; csrf: boolean }[] = [];
const people = {} as Record<Role | 'citizen', string>;

beforeAll(async () => {
  // The server tells of its birth before anybody registers a route.
  const born = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url, config }) => {
      const csrf = (config as { csrf?: boolean } | undefined)?.csrf !== false;
      const path = url === '' ? '/' : url;
      const methods = [method].flat();
      if (methods.length > 2) registered.push({ route: `ALL ${path}`, csrf });
      else registered.push(...methods.filter((one) => one !== 'HEAD').map((one) => ({ route: `${one} ${path}`, csrf })));
    });
  };
  subscribe('fastify.initialization', born);
  city = await webCity({ listen: true });
  unsubscribe('fastify.initialization', born);
  registered = registered.filter(({ route }, index) => registered.findIndex((one) => one.route === route) === index);
  people.citizen = city.citizen;
  for (const [index, role] of ROLES.entries()) {
    const body = `35020319910${index + 1}0100${index}`;
    const person = { name: '岗位一人', citizenNumber: `${body}${citizenCheckCharacter(body)}`, by: 'system:test' };
    const { id } = await registerPerson(city.context, person);
    await appointStaff(city.context, { personId: id, organisationId: city.department.id, roles: [role], by: 'system:test' });
    people[role] = id;
  }
});

const changes = (route: string) => !route.startsWith('GET ');
const staffRoutes: [string, Role[]][] = [
  ...Object.entries(STAFF),
  ...Object.entries(API).map(([route, [, roles]]): [string, Role[]] => [route, roles]),
];

async function call(
  browser: Browser,
  route: string,
  { token = true, id = ID }: { token?: boolean; id?: string | undefined } = {},
): Promise<LightMyRequestResponse> {
  const url = addressOf(route).replace(ID, id);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (!changes(route)) return browser.get(url, headers);
  const page = token ? await browser.get(browser.cookies.has('tongren_session') ? '/' : '/login') : undefined;
  const csrf = /name="csrf" value="([^"]+)"|data-csrf="([^"]+)"/.exec(page?.body ?? '');
  if (csrf) headers['x-csrf-token'] = csrf[1] ?? csrf[2] ?? '';
  const isFile = route.startsWith('PUT ');
  headers['content-type'] = isFile ? 'application/octet-stream' : 'application/json';
  const method = isFile ? 'PUT' : 'POST';
  return browser.send({ method, url, headers, payload: isFile ? Buffer.from('x') : JSON.stringify(BODIES[route] ?? {}) });
}

const codeOf = (response: LightMyRequestResponse): string | undefined => {
  const isProblem = String(response.headers['content-type']).startsWith('application/problem+json');
  return isProblem ? (JSON.parse(response.body) as { code: string }).code : undefined;
};

describe('every route', () => {
  test('stands in exactly one table, and nothing else does', () => {
    const classified = [...PUBLIC, ...OWN_RULES, ...VISITORS, ...SIGNED_IN, ...Object.keys(STAFF), ...Object.keys(API)];
    expect(new Set(classified).size).toBe(classified.length);
    expect([...registered.map(({ route }) => route)].sort()).toEqual([...classified].sort());
  });

  test('goes without the token against forgery only where nothing changes for anybody, or where other rules hold', () => {
    const without = registered.filter(({ route, csrf }) => !csrf && changes(route)).map(({ route }) => route);
    expect(without.sort()).toEqual([...PUBLIC, ...OWN_RULES].filter(changes).sort());
  });

  test('that a person opens is kept from caches, frames and sniffing', async () => {
    const everybody = await city.as(people.citizen);
    for (const { route } of registered.filter((one) => !changes(one.route) && !one.route.startsWith('ALL '))) {
      const { headers, statusCode } = await call(everybody, route);
      const found = [
        route,
        headers['x-content-type-options'],
        headers['x-frame-options'],
        headers['referrer-policy'],
        headers['cross-origin-resource-policy'],
      ];
      expect(found).toEqual([route, 'nosniff', 'DENY', 'same-origin', 'same-origin']);
      if (OWN_RULES.includes(route)) continue;
      expect([route, headers['content-security-policy']]).toEqual([route, expect.stringContaining("frame-ancestors 'none'")]);
      if (PUBLIC.includes(route)) continue;
      expect([route, statusCode, headers['cache-control']]).toEqual([route, statusCode, 'no-store']);
    }
  });
});

describe('what changes something', () => {
  test('is refused without the token of our own page, whoever asks', async () => {
    const routes = [...VISITORS, ...SIGNED_IN, ...Object.keys(STAFF), ...Object.keys(API)].filter(changes);
    expect(routes.length).toBeGreaterThan(50);
    for (const who of [city.stranger(), await city.as(people.citizen), await city.as(people.operator), await city.as(people.issuer)]) {
      for (const route of routes) {
        expect([route, codeOf(await call(who, route, { token: false }))]).toEqual([route, 'csrf-failed']);
      }
    }
  });

  test('is refused with a token of another session', async () => {
    const [own, others] = [await city.as(people.operator), await city.as(people.citizen)];
    const page = await others.get('/');
    const csrf = /name="csrf" value="([^"]+)"|data-csrf="([^"]+)"/.exec(page.body)?.slice(1).find(Boolean) ?? '';
    own.cookies.set('tongren_csrf', others.cookies.get('tongren_csrf') ?? '');
    const headers = { accept: 'application/json', 'content-type': 'application/json', 'x-csrf-token': csrf };
    const response = await own.send({ method: 'POST', url: '/admin/devices', headers, payload: '{}' });
    expect(codeOf(response)).toBe('csrf-failed');
  });
});

describe('who is not signed in', () => {
  test('is refused wherever somebody must be', async () => {
    const routes = [...SIGNED_IN, ...staffRoutes.map(([route]) => route)];
    for (const route of routes) expect([route, codeOf(await call(city.stranger(), route))]).toEqual([route, 'not-signed-in']);
  });
});

describe('who is signed in without the role', () => {
  test.each(['citizen', ...ROLES] as const)('%s', async (who) => {
    const browser = await city.as(people[who]);
    const others = staffRoutes.filter(([, roles]) => who === 'citizen' || !roles.includes(who));
    expect(others.length).toBeGreaterThan(10);
    for (const [route] of others) expect([route, codeOf(await call(browser, route))]).toEqual([route, 'not-allowed']);
  });
});

describe('who has the role', () => {
  test.each(ROLES)('%s is let in', async (who) => {
    const browser = await city.as(people[who]);
    for (const [route] of staffRoutes.filter(([, roles]) => roles.includes(who))) {
      const response = await call(browser, route);
      expect([route, response.statusCode, codeOf(response)]).not.toEqual([route, 403, 'not-allowed']);
      expect([route, response.statusCode]).not.toEqual([route, 401]);
      expect([route, response.statusCode < 500]).toEqual([route, true]);
    }
  });
});

describe('what belongs to another', () => {
  test('person is not there: licences, their files, pictures and codes, sessions, certificates', async () => {
    const { licenceId } = await city.issue('residence-permit', { personId: city.citizen });
    const [owner, other] = [await city.as(city.citizen), await city.as(city.otherCitizen)];
    for (const route of [...SIGNED_IN].filter((one) => one.includes('/licences/:id'))) {
      expect([route, codeOf(await call(other, route, { id: licenceId }))]).toEqual([route, 'licence-not-found']);
      const { statusCode } = await call(owner, route, { id: licenceId });
      expect([route, statusCode]).toEqual([route, 200]);
    }
    const sessions = await owner.get('/my/sessions');
    const sessionId = /\/my\/sessions\/([0-9a-f-]{36})\/end/.exec((await (await city.as(city.citizen)).get('/my/sessions')).body)?.[1];
    expect([sessions.statusCode, sessionId]).toEqual([200, expect.any(String)]);
    await call(other, 'POST /my/sessions/:id/end', { id: sessionId });
    expect((await owner.get('/my/sessions')).statusCode).toBe(200);
    expect((await (await city.as(city.citizen)).get('/my/sessions')).body).toContain(sessionId);
  });

  test('department is not there: licences, seals, seal jobs, requests for certificates', async () => {
    const { licenceId } = await city.issue('residence-permit', { personId: city.citizen });
    const job = { sealId: city.sealId, requestId: 'matrix-0002' };
    const jobId = JSON.parse((await (await city.as(people.issuer)).fetchJson('/api/seal-jobs', job)).body).id as string;
    const elsewhere = await registerOrganisation(city.context, {
      name: '示范市林业局',
      internalCode: 'FOREST-01',
      kind: 'department',
      by: 'system:test',
    });
    const roles: Role[] = ['issuer', 'seal-admin', 'approver', 'counter'];
    await appointStaff(city.context, { personId: city.otherCitizen, organisationId: elsewhere.id, roles, by: 'system:test' });
    const neighbour = await city.as(city.otherCitizen);
    const tried = staffRoutes.filter(([route]) =>
      /^\w+ \/(?:desk\/(?:licences|seals|seal-jobs)|api\/(?:licences|seal-jobs))\/:id/.test(route),
    );
    expect(tried.length).toBeGreaterThan(10);
    for (const [route] of tried) {
      const id = route.includes('seal-jobs') ? jobId : route.includes('/desk/seals') ? city.sealId : licenceId;
      const code = codeOf(await call(neighbour, route, { id }));
      expect([route, code]).toEqual([route, expect.stringMatching(/not-found$|^not-allowed$/)]);
    }
    // The same addresses serve those whose they are.
    for (const route of ['GET /desk/licences/:id', 'GET /api/licences/:id', 'GET /api/seal-jobs/:id']) {
      const id = route.includes('seal-jobs') ? jobId : licenceId;
      expect([route, (await call(await city.as(people.issuer), route, { id })).statusCode]).toEqual([route, 200]);
    }
  });
});

describe('systems', () => {
  test('need the scope of each operation, whatever other scopes they have', async () => {
    const scopes = Object.keys(API_SCOPES) as ApiScope[];
    for (const scope of new Set(Object.values(API).map(([one]) => one))) {
      const id = `all-but-${scope.replace(':', '-')}`;
      const others = scopes.filter((one) => one !== scope);
      const token = await apiToken(city, { id, organisationId: city.department.id, scopes: others });
      for (const route of Object.keys(API).filter((one) => API[one]?.[0] === scope)) {
        expect([route, codeOf(await asSystem(route, token))]).toEqual([route, 'not-allowed']);
      }
      expect(codeOf(await asSystem('GET /api/licences', `${token.slice(0, -4)}AAAA`))).toBe('not-signed-in');
    }
  });

  test('cannot go where people go', async () => {
    const token = await apiToken(city, { id: 'all-scopes', organisationId: city.department.id, scopes: Object.keys(API_SCOPES) });
    for (const route of [...SIGNED_IN, ...Object.keys(STAFF)]) {
      expect([route, codeOf(await asSystem(route, token))]).toEqual([route, 'not-signed-in']);
    }
  });

  function asSystem(route: string, token: string): Promise<LightMyRequestResponse> {
    const [method = 'GET'] = route.split(' ') as ['GET' | 'POST' | 'PUT'];
    const isFile = method === 'PUT';
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${token}`,
      ...(method === 'GET' ? {} : { 'content-type': isFile ? 'application/octet-stream' : 'application/json' }),
    };
    const payload = isFile ? Buffer.from('x') : JSON.stringify(BODIES[route] ?? {});
    return city.server.inject({ method, url: addressOf(route), headers, ...(method === 'GET' ? {} : { payload }) });
  }
});
