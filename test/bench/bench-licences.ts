import { randomUUID, sign } from 'node:crypto';
import { findStaffPositions } from '#access/find-staff.ts';
import { HttpBrowser } from '#commands/tour/http-browser.ts';
import { generateKeyPair, importPrivateKey } from '#crypto/suite.ts';
import { DEMO_PASSWORD } from '#demo/demo-people.ts';
import { findLicencesOf } from '#licences/find-licences.ts';
import { issueLicence } from '#licences/issue-licence.ts';
import { redeemCode } from '#licences/redeem-code.ts';
import { showCode } from '#licences/show-code.ts';
import { findPersonIdByPhone } from '#people/find-person.ts';
import type { BenchApp } from './bench-app.ts';
import { compare, type Row } from './measure.ts';

const CITIZEN = '13900000001';
const COUNTER = '13900000031';
const ISSUER = '13900000021';

/** Codes and licences on the whole service: each against one raw P-256 signature, issuing also against a durable row. */
export async function benchLicences({ app, origin }: BenchApp): Promise<Row[]> {
  const deps = app.context;
  const key = importPrivateKey(generateKeyPair('es256').pkcs8);
  const message = Buffer.alloc(115, 1);
  const signature = { name: 'one raw P-256 signature', work: () => sign('sha256', message, key.key) };
  const insert = {
    name: 'two raw P-256 signatures + one durable row',
    work: async () => {
      sign('sha256', message, key.key);
      sign('sha256', message, key.key);
      await deps.db.auditEvent.create({ data: { at: new Date(), kind: 'bench', actor: 'system:bench', subject: 'bench:1', detail: {} } });
    },
  };
  const personId = await idOf(deps, CITIZEN);
  const clerk = await idOf(deps, COUNTER);
  const issuer = await idOf(deps, ISSUER);
  const [position] = await findStaffPositions(deps, clerk);
  const [issuing] = await findStaffPositions(deps, issuer);
  const licence = (await findLicencesOf(deps, personId)).find(({ status, codeAllowed }) => status === 'in-force' && codeAllowed);
  if (!licence || !position || !issuing) throw new Error('the demo city is not complete');
  const show = () => showCode(deps, { personId, licenceId: licence.id });
  const staff = { personId: clerk, organisationId: position.organisationId };
  const redeem = async () => {
    const { digits } = await show();
    const result = await redeemCode(deps, { input: digits, staff, purpose: 'bench', requestId: randomUUID() });
    if (result.verdict !== 'valid') throw new Error(`redeeming answered ${result.verdict}`);
  };
  const http = await httpCode(origin, licence.id);
  const issue = () =>
    issueLicence(deps, {
      type: 'residence-permit',
      holder: { personId },
      fields: {
        sex: 'female',
        ethnicity: '汉',
        birthDate: '1990-03-07',
        registeredAddress: '通明市榕树区荔园路12号',
        currentAddress: '通明市湖滨区环岛路36号',
      },
      issuerOrganisationId: issuing.organisationId,
      by: { personId: issuer, organisationId: issuing.organisationId },
      requestId: randomUUID(),
    });
  return [
    await compare('code: show, in-process', show, signature),
    await compare('code: show and redeem, in-process', redeem, signature),
    await compare('code: show, over HTTP', http, signature),
    await compare('licence: issue whole (two files, rendered, sealed, stored)', issue, insert, { roundMs: 1500 }),
  ];
}

async function idOf(deps: BenchApp['app']['context'], phone: string): Promise<string> {
  const id = await findPersonIdByPhone(deps, phone);
  if (!id) throw new Error(`no demo person with ${phone}`);
  return id;
}

/** The next code as the citizen's page asks for it: session cookie, CSRF header, JSON. */
async function httpCode(origin: string, licenceId: string): Promise<() => Promise<void>> {
  const browser = new HttpBrowser();
  const login = await browser.open(`${origin}/login?return=/my/licences/${licenceId}/code`);
  const page = await browser.submit(login, (form) => 'password' in form.fields, { login: CITIZEN, password: DEMO_PASSWORD });
  const csrf = /data-csrf="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const headers = { 'content-type': 'application/json', 'x-csrf-token': csrf, accept: 'application/json', origin };
  return async () => {
    const reply = await browser.open(`${origin}/api/my/licences/${licenceId}/code`, { method: 'POST', body: '{}', headers });
    if (reply.status !== 200) throw new Error(`the code was refused: ${reply.status}`);
  };
}
