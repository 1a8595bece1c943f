/**
 * The journeys of the design, walked over HTTP as people walk them: a real browser's cookies, the pages' own forms, the
 * demo city's apps as relying parties. Each step checks what it sees and throws when it is not so.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { qrPng } from '#codes/qr-code.ts';
import { DEMO_PASSWORD, DEMO_PEOPLE } from '#demo/demo-people.ts';
import { pictureOfOfdPage } from '#documents/ofd/picture-of-ofd.ts';
import { pictureOfPdfPage } from '#documents/pdf/picture-of-pdf.ts';
import { HttpBrowser, type Page } from './http-browser.ts';
import { readQr } from './read-qr.ts';
import { runTongren } from './run-command.ts';
import type { TemporaryInstance } from './temporary-instance.ts';

export interface Walk {
  instance: TemporaryInstance;
  out: string;
  citizen: HttpBrowser;
  counter: HttpBrowser;
  department: HttpBrowser;
  /** Filled in on the way. */
  licenceId: string;
  digits: string;
  codeMadeAt: string | undefined;
}

export interface Step {
  name: string;
  run(walk: Walk): Promise<void>;
}

/** The citizen of the tour; has no residence permit when it begins. */
const CITIZEN = 'chen';
const CITIZEN_NAME = '陈建国';

const PICTURE_DPI = 150;
const POLL_MS = 250;
const POLLS = 60;

/** Journeys 1, 3, 4, 5 and 7 of the design, in the order in which a city lives them. */
export const STEPS: readonly Step[] = [
  { name: '1 a citizen signs in at city app A', run: signInAtFirstApp },
  { name: '1 app B is opened and the citizen is already signed in, under another subject', run: openSecondApp },
  { name: '1 signing out at app A reaches app B, and a report says so', run: signOutEverywhere },
  { name: '3 a department issues a licence: OFD and PDF, both sealed', run: issueLicence },
  { name: '3 the citizen has the licence and its two files', run: fetchFiles },
  { name: '4 the citizen shows a code', run: showCode },
  { name: '5 without a network the counter verifies the code, and says what it does not know', run: verifyOffline },
  { name: '4 the counter states its purpose, reads the code and sees the licence', run: redeem },
  { name: '4 the code works once', run: redeemAgain },
  { name: '4 the citizen sees the look-up in the log', run: seeLookUp },
  { name: '7 anyone verifies the OFD and the PDF', run: verifyFiles },
  { name: '7 the public page says who sealed it, and the printed address whether it is in force', run: verifyOnPage },
  { name: 'every act stands in the audit chain', run: verifyAudit },
];

function expect(condition: unknown, sentence: string): asserts condition {
  if (!condition) throw new Error(sentence);
}

function phoneOf(key: string): string {
  const person = DEMO_PEOPLE.find((candidate) => candidate.key === key);
  expect(person, `no demo person ${key}`);
  return person.phone;
}

/** Fills in the password form of the page and whatever pages follow it until the browser leaves the login. */
async function signIn(browser: HttpBrowser, page: Page, key: string): Promise<Page> {
  const values = { login: phoneOf(key), password: DEMO_PASSWORD };
  return browser.submit(page, (form) => 'password' in form.fields, values);
}

async function signInAtFirstApp({ instance, citizen }: Walk): Promise<void> {
  const welcome = await citizen.open(instance.appOrigins[0]);
  expect(welcome.text.includes('/sign-in'), 'app A does not offer to sign in');
  const login = await citizen.open(`${instance.appOrigins[0]}/sign-in`);
  const home = await consent(citizen, await signIn(citizen, login, CITIZEN));
  expect(home.url.origin === instance.appOrigins[0] && subjectOf(home), 'app A does not show the citizen as signed in');
}

/** Where an app asks for consent it is given as proposed. */
async function consent(browser: HttpBrowser, page: Page): Promise<Page> {
  let current = page;
  for (let count = 0; count < 3 && current.url.pathname.startsWith('/consent/'); count++) {
    const { pathname } = current.url;
    current = await browser.submit(current, (form) => form.action.pathname === pathname, { answer: 'agree' });
  }
  return current;
}

function subjectOf(page: Page): string | undefined {
  return /<code>([^<]{20,})<\/code>/.exec(page.text)?.[1];
}

async function openSecondApp({ instance, citizen }: Walk): Promise<void> {
  const opened = await citizen.open(`${instance.appOrigins[1]}/sign-in`);
  expect(!opened.url.pathname.startsWith('/login'), 'app B asked to sign in again');
  const second = await consent(citizen, opened);
  const first = await citizen.open(instance.appOrigins[0]);
  const subjects = [subjectOf(first), subjectOf(second)];
  expect(subjects[0] && subjects[1], 'one of the apps does not know the citizen');
  expect(subjects[0] !== subjects[1], 'both apps see the same subject');
}

async function signOutEverywhere({ instance, citizen }: Walk): Promise<void> {
  const home = await citizen.open(instance.appOrigins[0]);
  const asked = await citizen.submit(home, (form) => form.action.pathname === '/sign-out');
  if (asked.url.pathname.startsWith('/oidc/')) await citizen.submit(asked, (form) => 'xsrf' in form.fields, { logout: 'yes' });
  await poll('the report does not say that the apps confirmed', async () => {
    const report = await citizen.open(`${instance.origin}/logged-out`);
    return report.status === 200 && (report.text.match(/confirmed/g) ?? []).length >= 2;
  });
  const second = await citizen.open(`${instance.appOrigins[1]}/`);
  expect(!subjectOf(second), 'app B still shows the citizen as signed in');
}

async function issueLicence(walk: Walk): Promise<void> {
  const { instance, department } = walk;
  const login = await department.open(`${instance.origin}/login?return=/desk/issue/residence-permit`);
  const form = await signIn(department, login, 'zhou');
  const holder = DEMO_PEOPLE.find(({ key }) => key === CITIZEN);
  const examples = [...form.text.matchAll(/name="fields\.(\w+)"/g)].map(([, key]) => key ?? '');
  expect(examples.length > 3, 'the form for a residence permit has no fields');
  const values: Record<string, string> = {
    holderNumber: holder?.citizenNumber ?? '',
    'fields.sex': 'male',
    'fields.ethnicity': '汉',
    'fields.birthDate': '1948-09-15',
    'fields.registeredAddress': '通明市榕树区荔园路12号',
    'fields.currentAddress': '通明市湖滨区环岛路36号3幢502室',
  };
  for (const key of examples) values[`fields.${key}`] ??= '';
  const issued = await department.submit(form, (candidate) => 'holderNumber' in candidate.fields, values);
  const id = /^\/desk\/licences\/([0-9a-f-]{36})$/.exec(issued.url.pathname)?.[1];
  expect(id, `the licence was not issued: ${plainText(issued)}`);
  walk.licenceId = id;
}

async function fetchFiles(walk: Walk): Promise<void> {
  const { instance, citizen, out, licenceId } = walk;
  const login = await citizen.open(`${instance.origin}/login?return=/my`);
  const mine = await signIn(citizen, login, CITIZEN);
  expect(mine.text.includes(licenceId), 'the citizen does not see the new licence');
  const ofd = await citizen.open(`${instance.origin}/my/licences/${licenceId}/licence.ofd`);
  const pdf = await citizen.open(`${instance.origin}/my/licences/${licenceId}/licence.pdf`);
  expect(ofd.status === 200 && Buffer.from(ofd.bytes.subarray(0, 2)).toString() === 'PK', 'the OFD cannot be fetched');
  expect(pdf.status === 200 && Buffer.from(pdf.bytes.subarray(0, 5)).toString() === '%PDF-', 'the PDF cannot be fetched');
  await save(out, 'licence.ofd', ofd.bytes);
  await save(out, 'licence.pdf', pdf.bytes);
  await save(out, 'licence-ofd.png', await pictureOfOfdPage(ofd.bytes, 0, PICTURE_DPI));
  await save(out, 'licence-pdf.png', await pictureOfPdfPage(pdf.bytes, 0, PICTURE_DPI));
}

async function showCode(walk: Walk): Promise<void> {
  const { instance, citizen, out, licenceId } = walk;
  const page = await citizen.open(`${instance.origin}/my/licences/${licenceId}/code`);
  expect(page.status === 200 && page.text.includes('data:image/svg+xml'), 'the page shows no code');
  const csrf = /data-csrf="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const reply = await citizen.open(`${instance.origin}/api/my/licences/${licenceId}/code`, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrf, accept: 'application/json', origin: instance.origin },
  });
  expect(reply.status === 200, `the next code was refused: ${reply.text.slice(0, 200)}`);
  const { digits } = JSON.parse(reply.text) as { digits: string };
  walk.digits = digits;
  walk.codeMadeAt = new Date().toISOString();
  await save(out, 'code.txt', digits);
  await save(out, 'code.png', await qrPng(digits, { scale: 8 }));
  for (const [file, path] of Object.entries({ 'code-keys.json': '/api/codes/keys', 'status-list.json': '/api/codes/status-list' })) {
    const found = await citizen.open(instance.origin + path, { headers: { accept: 'application/json' } });
    expect(found.status === 200, `${path} answers ${found.status}`);
    await save(out, file, found.bytes);
  }
}

async function verifyOffline({ instance, digits, out }: Walk): Promise<void> {
  const words = [
    'verify-code',
    digits,
    '--offline',
    '--keys',
    join(out, 'code-keys.json'),
    '--status',
    join(out, 'status-list.json'),
    '--json',
  ];
  const { code, output } = await runTongren(words, instance.environment);
  const verdict = JSON.parse(output) as { verdict: string; holder: string; statusAsOf: string | null };
  expect(code === 0 && verdict.verdict === 'valid', `offline the code is ${verdict.verdict}`);
  expect(verdict.holder === 'not-proven' && verdict.statusAsOf, 'offline verification claims more than it knows');
}

async function redeem({ instance, counter, digits, licenceId }: Walk): Promise<void> {
  const login = await counter.open(`${instance.origin}/login?return=/counter`);
  const desk = await signIn(counter, login, 'xu');
  expect(desk.url.pathname === '/counter', 'the counter page does not open');
  const result = await readAtCounter(counter, desk, digits);
  expect(
    result.status === 200 && /居住证/.test(result.text) && result.text.includes(CITIZEN_NAME),
    `the counter does not see licence ${licenceId}`,
  );
}

async function readAtCounter(counter: HttpBrowser, desk: Page, input: string): Promise<Page> {
  const purpose = /name="purpose" value="([^"]+)"/.exec(desk.text)?.[1] ?? '';
  return counter.submit(desk, (form) => 'input' in form.fields, { purpose, input });
}

async function redeemAgain({ instance, counter, digits }: Walk): Promise<void> {
  const result = await readAtCounter(counter, await counter.open(`${instance.origin}/counter`), digits);
  expect(/已使用|已被使用|already/i.test(result.text) && !result.text.includes(CITIZEN_NAME), 'a code that was used was accepted again');
}

async function seeLookUp({ instance, citizen }: Walk): Promise<void> {
  const log = await citizen.open(`${instance.origin}/my/look-ups`);
  expect(/通明市政务服务中心/.test(log.text), 'the look-up is not in the citizen’s log');
}

async function verifyFiles({ instance, out }: Walk): Promise<void> {
  const anchors: string[] = [];
  for (const name of ['ca-p256.pem', 'ca-sm2.pem']) {
    const bundle = await fetch(`${instance.origin}/ca/${name}`);
    expect(bundle.ok, `/ca/${name} answers ${bundle.status}`);
    await save(out, name, new Uint8Array(await bundle.arrayBuffer()));
    anchors.push('--trust', join(out, name));
  }
  for (const [file, verdictFile] of [
    ['licence.ofd', 'verdict.json'],
    ['licence.pdf', 'verdict-pdf.json'],
  ] as const) {
    const { code, output } = await runTongren(['verify', join(out, file), '--json', ...anchors], instance.environment);
    await save(out, verdictFile, output);
    const report = JSON.parse(output) as { verdict: string; official: boolean; licence?: { status: string } };
    expect(code === 0 && report.verdict === 'genuine' && report.official, `${file} is ${report.verdict}`);
    expect(report.licence?.status === 'in-force', `the licence of ${file} is ${report.licence?.status ?? 'not known'}`);
  }
}

async function verifyOnPage({ instance, out }: Walk): Promise<void> {
  for (const file of ['licence.ofd', 'licence.pdf']) {
    const body = new FormData();
    body.append('file', new Blob([await readFile(join(out, file))]), file);
    const page = await new HttpBrowser().open(`${instance.origin}/verify`, { method: 'POST', body });
    expect(page.status === 200 && /通明市公安局/.test(page.text), `the public page does not name who sealed ${file}`);
  }
  const address = (await readQr(await readFile(join(out, 'licence-pdf.png')))) ?? '';
  expect(address.startsWith(`${instance.origin}/v/`), 'the QR code printed on the licence does not name its public page');
  const anyone = await new HttpBrowser().open(address);
  expect(anyone.status === 200 && !anyone.text.includes(CITIZEN_NAME), 'the public page of the licence shows the whole name');
}

async function verifyAudit({ instance, out }: Walk): Promise<void> {
  await poll('the audit chain did not catch up', async () => {
    const { output } = await runTongren(['audit', 'verify', '--json'], instance.environment);
    const { waiting, links } = JSON.parse(output) as { waiting: number; links: number };
    return waiting === 0 && links > 0;
  });
  const { code, output } = await runTongren(['audit', 'verify', '--json'], instance.environment);
  const verdict = JSON.parse(output) as { intact: boolean };
  expect(code === 0 && verdict.intact, 'the audit chain is not intact');
  await save(out, 'audit.json', output);
}

async function poll(sentence: string, done: () => Promise<boolean>): Promise<void> {
  for (let count = 0; count < POLLS; count++) {
    if (await done()) return;
    await sleep(POLL_MS);
  }
  throw new Error(sentence);
}

async function save(out: string, name: string, content: string | Uint8Array): Promise<void> {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, name), content);
}

function plainText(page: Page): string {
  return page.text
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .slice(0, 600);
}
