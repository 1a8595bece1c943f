/** A certificate of another authority: taken by the trust list, added by its person, used to sign in; and every way in which it is not. */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { listForeignCertificates, removeForeignCertificate } from '#certificates/foreign-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { removeTrustEntry, suspendTrustEntry } from '#certificates/trust-list-entries.ts';
import { oid, printableString, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import type { Suite } from '#crypto/suite.ts';
import { citizenCheckCharacter } from '#documents/check-characters.ts';
import { registerPerson } from '#people/register-person.ts';
import { toPem } from '#pki/pem.ts';
import { addOwnForeignCertificate } from '#sign-in/add-foreign-certificate.ts';
import { beginCertificateSignIn } from '#sign-in/certificate-challenge.ts';
import { signInWithForeignCertificate } from '#sign-in/sign-in-with-foreign-certificate.ts';
import { ForeignAuthority, type ForeignPerson, toolOf } from '#test/fakes/foreign-authority.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { rawAuthority, rawCertificate } from '#test/fakes/raw-pki.ts';
import { recogniseAuthority } from '#test/fakes/recognise-authority.ts';
import { signInDeps } from './sign-in-deps.ts';

const START = '2026-06-01T08:00:00.000Z';
const DAY_MS = 86_400_000;
const world = await signInDeps();
const { clock } = world;
clock.set(START);
const deps = {
  ...world.deps,
  keys: memoryKeyStore(),
  publicOrigin: 'https://trust.example.cn',
  outbound: { request: async () => refuse() },
};
await initialiseAuthorities(deps);
beforeEach(() => clock.set(START));
function refuse(): never {
  throw new Error('nobody is asked');
}

function newNumber(): string {
  const first17 = `350203${1950 + randomInt(50)}0${1 + randomInt(9)}1${randomInt(10)}${String(randomInt(1_000)).padStart(3, '0')}`;
  return first17 + citizenCheckCharacter(first17);
}

async function newPerson() {
  const citizenNumber = newNumber();
  const evidence = { method: 'counter' as const, source: 'desk' };
  const { id } = await registerPerson(deps, { name: '林晓梅', citizenNumber, by: 'system:test', evidence });
  return { id, citizenNumber };
}

const take = async (authority: ForeignAuthority, constraints: object = {}, level: 3 | 4 | 5 = 4) =>
  recogniseAuthority(deps, authority, { constraints, level });

type Send = (person: ForeignPerson, text: string) => { signature: Uint8Array; certificates?: Uint8Array };
const cms: Send = (person, text) => ({ signature: person.cms(text) });
const pem = (...ders: Uint8Array[]) => Buffer.from(ders.map((der) => toPem('CERTIFICATE', der)).join(''));

/** A person with a certificate under a recognised authority. */
async function certified(options: { suite?: Suite; own?: Parameters<ForeignAuthority['person']>[1]; level?: 3 | 4 | 5 } = {}) {
  const authority = new ForeignAuthority({ ...(options.suite ? { suite: options.suite } : {}), now: () => clock.now() });
  const { id: entryId, operator } = await take(authority, {}, options.level);
  const owner = await newPerson();
  const person = authority.person(owner.citizenNumber, options.own);
  authority.known.push(person);
  return { authority, entryId, operator, owner, person, deps: { ...deps, outbound: authority.outbound() } };
}
type Certified = Awaited<ReturnType<typeof certified>>;

/** The same under an authority that is not in the list, or is there with other limits. */
async function otherwise(constraints?: object): Promise<Certified> {
  const authority = new ForeignAuthority({ now: () => clock.now() });
  const entry = constraints && (await take(authority, constraints));
  const owner = await newPerson();
  const person = authority.person(owner.citizenNumber);
  const operator = entry?.operator ?? (await take(new ForeignAuthority({ now: () => clock.now() }))).operator;
  return { authority, entryId: entry?.id ?? '', operator, owner, person, deps: { ...deps, outbound: authority.outbound() } };
}

let addresses = 0;
async function attempt(
  who: Pick<Certified, 'person' | 'deps'>,
  use: 'foreign-sign-in' | 'foreign-add',
  send: Send = cms,
  ip = `10.1.${++addresses >> 8}.${addresses & 255}`,
) {
  const { challenge, statement, browser } = await beginCertificateSignIn(who.deps, { ip, use });
  return { challenge, browser, ip, ...send(who.person, statement) };
}

const session = () => ({ acrLevel: 3, authTime: clock.now() });
async function add(who: Certified, send: Send = cms, personId = who.owner.id) {
  await addOwnForeignCertificate(who.deps, { personId, session: session(), ...(await attempt(who, 'foreign-add', send)) });
}
const signIn = async (who: Pick<Certified, 'person' | 'deps'>, send: Send = cms) =>
  signInWithForeignCertificate(who.deps, await attempt(who, 'foreign-sign-in', send));
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (problem) => problem.code ?? String(problem),
  );
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (problem) => `${problem.code}: ${problem.message} / ${problem.detailZh ?? ''}`,
  );

describe('added by its person, it signs that person in', () => {
  test.each<[string, Suite]>([
    ['SM2', 'sm2-sm3'],
    ['P-256', 'es256'],
    ['RSA', 'rs256'],
  ])('with a key of %s, by CMS and by a bare signature', async (_name, suite) => {
    const who = await certified({ suite });
    await add(who);
    const proof = await signIn(who);
    expect(proof).toMatchObject({ personId: who.owner.id, acr: 'urn:tongren:acr:3', amr: ['swk'] });
    const bare: Send = (person, text) => ({
      signature: person.bare(text),
      certificates: pem(person.certificate.der, who.authority.issuing.certificate.der),
    });
    expect((await signIn(who, bare)).personId).toBe(who.owner.id);
    const base64: Send = (person, text) => ({ signature: Buffer.from(Buffer.from(person.cms(text)).toString('base64')) });
    expect((await signIn(who, base64)).personId).toBe(who.owner.id);
    const [view] = await listForeignCertificates(who.deps, who.owner.id);
    expect(view).toMatchObject({ state: 'usable', serialHex: who.person.certificate.serialHex, authority: { zh: '邻省数字证书认证中心' } });
    expect(view?.lastUsedAt).toEqual(clock.now());
  });

  test.each<[3 | 4 | 5, string, string]>([
    [3, 'pop', 'urn:tongren:acr:3'],
    [4, 'swk', 'urn:tongren:acr:3'],
    [5, 'hwk', 'urn:tongren:acr:5'],
  ])('as far as level %i of the list lets it count: %s', async (level, method, acr) => {
    const who = await certified({ level });
    await add(who);
    expect(await signIn(who)).toMatchObject({ amr: [method], acr });
  });

  test('where an OCSP responder tells, no list is needed', async () => {
    const who = await certified();
    who.authority.answers = 'ocsp';
    await add(who);
    expect(await codeOf(signIn(who))).toBe('ok');
  });

  test('the audit tells what was added and used, and no number', async () => {
    const who = await certified();
    await add(who);
    await signIn(who);
    const subject = `foreign-certificate:${who.person.certificate.fingerprint}`;
    expect(await deps.db.auditEvent.findMany({ where: { subject } })).toMatchObject([{ kind: 'foreign-certificate-added' }]);
    const event = await deps.db.auditEvent.findFirstOrThrow({ where: { kind: 'signed-in', subject: `person:${who.owner.id}` } });
    expect(event.detail).toMatchObject({ method: 'foreign-certificate', trustEntryId: who.entryId });
    const all = JSON.stringify([await deps.db.auditEvent.findMany(), await deps.db.foreignCertificate.findMany()]);
    expect(all).not.toContain(who.owner.citizenNumber);
  });
});

describe.each<[string, string, string]>([
  ['es256', 'P-256 key', 'ec'],
  ['rs256', 'RSA key', 'rsa'],
])('OpenSSL as the tool of a %s holder', (suite) => {
  test('signs with cms -sign and with dgst -sign', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'foreign-'));
    try {
      const who = await certified({ suite: suite as Suite });
      writeFileSync(join(folder, 'key.pem'), who.person.key.key.export({ format: 'pem', type: 'pkcs8' }));
      writeFileSync(join(folder, 'cert.pem'), toPem('CERTIFICATE', who.person.certificate.der));
      writeFileSync(join(folder, 'issuing.pem'), toPem('CERTIFICATE', who.authority.issuing.certificate.der));
      const run = (...args: string[]) => {
        const { status, stderr } = spawnSync('openssl', args, { cwd: folder });
        expect([status, String(stderr)]).toEqual([0, expect.anything()]);
        return readFileSync(join(folder, 'out'));
      };
      const bySigner: Send = (_person, text) => {
        writeFileSync(join(folder, 'challenge.txt'), text);
        const files = ['-in', 'challenge.txt', '-signer', 'cert.pem', '-inkey', 'key.pem', '-certfile', 'issuing.pem'];
        return { signature: run('cms', '-sign', '-binary', ...files, '-outform', 'PEM', '-out', 'out') };
      };
      await add(who, bySigner);
      const byDigest: Send = (person, text) => {
        writeFileSync(join(folder, 'challenge.txt'), text);
        const signature = run('dgst', '-sha256', '-sign', 'key.pem', '-out', 'out', 'challenge.txt');
        return { signature, certificates: pem(person.certificate.der, who.authority.issuing.certificate.der) };
      };
      expect(await codeOf(signIn(who, byDigest))).toBe('ok');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the key must be proved, now and here', () => {
  test('a text serves once, for its browser, its use and ten minutes', async () => {
    const who = await certified();
    await add(who);
    const input = await attempt(who, 'foreign-sign-in');
    expect(await codeOf(signInWithForeignCertificate(who.deps, { ...input, browser: 'another' }))).toBe('foreign-certificate-proof-wrong');
    const fresh = await attempt(who, 'foreign-sign-in');
    expect(await codeOf(signInWithForeignCertificate(who.deps, fresh))).toBe('ok');
    expect(await codeOf(signInWithForeignCertificate(who.deps, fresh))).toBe('foreign-certificate-proof-wrong');
    const forAdding = await attempt(who, 'foreign-add');
    expect(await codeOf(signInWithForeignCertificate(who.deps, forAdding))).toBe('foreign-certificate-proof-wrong');
    const late = await attempt(who, 'foreign-sign-in');
    clock.advance(601_000);
    expect(await codeOf(signInWithForeignCertificate(who.deps, late))).toBe('foreign-certificate-proof-wrong');
  });

  test.each<[string, (who: Certified, stranger: ForeignPerson) => Send]>([
    ['over another text', () => (person, text) => ({ signature: person.cms(`${text} `) })],
    ['around another text', () => (person, text) => ({ signature: person.cms(text, { content: 'another' }) })],
    [
      'by another key',
      (_who, stranger) => (person, text) => ({ signature: stranger.bare(text), certificates: pem(person.certificate.der) }),
    ],
    ['without the certificate', () => (person, text) => ({ signature: person.bare(text) })],
    ['with more after it', () => (person, text) => ({ signature: Buffer.concat([person.cms(text), Buffer.from('x')]) })],
    ['that is empty', () => () => ({ signature: new Uint8Array() })],
    ['that is nothing', () => () => ({ signature: Buffer.from('-----BEGIN CMS-----\nMAMCAQE=\n-----END CMS-----') })],
  ])('a signature %s proves nothing', async (_what, sendOf) => {
    const who = await certified();
    await add(who);
    const stranger = who.authority.person(newNumber());
    expect(await codeOf(signIn(who, sendOf(who, stranger)))).toBe('foreign-certificate-proof-wrong');
  });

  test('five failures with one certificate from one network are the last for a while, and its authority is asked no more', async () => {
    const who = await certified();
    const tries = async () => codeOf(signInWithForeignCertificate(who.deps, await attempt(who, 'foreign-sign-in', cms, '10.9.9.9')));
    for (let index = 0; index < 5; index++) expect(await tries()).toBe('foreign-certificate-not-linked');
    const { asked } = who.authority;
    await add(who);
    expect(await tries()).toBe('sign-in-locked');
    expect(asked).toBeGreaterThan(0);
  });
});

describe('the certificate must count now', () => {
  const expectRefused = async (who: Certified, words: RegExp) => {
    expect(await refusalOf(signIn(who))).toMatch(words);
    expect(await refusalOf(add(who))).toMatch(words);
  };

  test.each<[string, NonNullable<Parameters<typeof certified>[0]>, RegExp]>([
    ['an expired one', { own: { notAfter: new Date('2026-05-01T00:00:00Z') } }, /refused: .*expired.*已过期/],
    ['one that begins later', { own: { notBefore: new Date('2026-07-01T00:00:00Z') } }, /refused: .*not valid yet/],
    [
      'one for servers',
      { own: { extensions: [{ oid: OID.extendedKeyUsage, value: sequence(oid(OID.serverAuthentication)) }] } },
      /refused: .*not for this purpose/,
    ],
    ['one whose key signs nothing', { own: { keyUsage: ['key-encipherment'] } }, /refused: .*not for this use/],
    ['an authority’s own', { own: { ca: true, keyUsage: ['key-cert-sign', 'digital-signature'] } }, /refused: .*authority/],
  ])('%s is refused, in words', async (_what, options, words) => {
    await expectRefused(await certified(options), words);
  });

  test('one that names nobody where the list says is refused', async () => {
    const who = await certified();
    const nameless = { ...who, person: who.authority.person(undefined) };
    await expectRefused(nameless, /refused: .*no citizen number/);
  });

  test('a revoked one is refused from the moment its authority says so, by list and by OCSP', async () => {
    for (const answers of ['list', 'ocsp'] as const) {
      const who = await certified();
      who.authority.answers = answers;
      await add(who);
      who.authority.revoke(who.person);
      clock.advance(6 * 60_000);
      await expectRefused(who, /refused: .*revoked.*被吊销/);
    }
  });

  test.each(['nothing', 'stale', 'unknown'] as const)(
    'with an authority that answers %s, nobody can tell, and it is refused',
    async (answers) => {
      const who = await certified();
      await add(who);
      who.authority.answers = answers;
      clock.advance(6 * 60_000);
      expect(await codeOf(signIn(who))).toBe('foreign-certificate-status-unknown');
      expect(await codeOf(add({ ...who, person: who.authority.person(who.owner.citizenNumber) }))).toBe(
        'foreign-certificate-status-unknown',
      );
    },
  );

  test('one that says of itself that nobody need ask is asked about all the same', async () => {
    const noCheck = { oid: OID.ocspNoCheck, value: Uint8Array.of(5, 0) };
    const who = await certified({ own: { extensions: [noCheck] } });
    expect(await codeOf(add(who))).toBe('foreign-certificate-status-unknown');
  });

  test('under an authority that is not in the list it is refused, and nobody is asked', async () => {
    const who = await otherwise();
    await expectRefused(who, /refused: .*not recognised/);
    expect(who.authority.asked).toBe(0);
  });

  test('under an authority taken for something else it is refused', async () => {
    await expectRefused(await otherwise({ purposes: ['document-signing'], signIn: undefined }), /refused: .*not recognised/);
  });

  test('the names the list allows its authority hold', async () => {
    const attributes = [
      { oid: OID.country, value: 'CN' },
      { oid: OID.organisation, value: '某机构' },
    ];
    await expectRefused(await otherwise({ permittedNames: [{ kind: 'directory', attributes }] }), /refused: .*may not certify/);
  });

  test('a look-alike authority with the same names certifies nobody', async () => {
    const who = await certified();
    await add(who);
    const root = rawAuthority(undefined, { subject: who.authority.root.certificate.subject.der });
    const issuing = rawAuthority(root, { subject: who.authority.issuing.certificate.subject.der });
    const forged = rawCertificate(issuing, { extensions: [{ oid: OID.gmIdentifyCode, value: printableString(who.owner.citizenNumber) }] });
    const person = { ...forged, ...toolOf(forged, issuing) };
    expect(await refusalOf(signIn({ ...who, person }))).toMatch(/refused: .*not recognised/);
  });

  test('removing or suspending the authority ends it at once, for those who added it before too', async () => {
    for (const end of [removeTrustEntry, suspendTrustEntry]) {
      const who = await certified();
      await add(who);
      expect(await codeOf(signIn(who))).toBe('ok');
      await end(deps, { id: who.entryId, by: who.operator, reason: '资质失效' });
      await expectRefused(who, /refused: .*not recognised/);
      expect(await listForeignCertificates(who.deps, who.owner.id)).toMatchObject([{ state: 'unrecognised' }]);
    }
  });

  test('an entry counts from its first day to its last', async () => {
    const who = await certified();
    await add(who);
    clock.advance(5 * 365 * DAY_MS);
    expect(await codeOf(signIn(who))).toBe('foreign-certificate-refused');
  });
});

describe('whose it is', () => {
  test('until it was added it signs nobody in, and the answer tells nothing of accounts', async () => {
    const who = await certified();
    const nobody = { ...who, person: who.authority.person(newNumber()) };
    const [known, unknown] = [await refusalOf(signIn(who)), await refusalOf(signIn(nobody))];
    expect(known).toMatch(/^foreign-certificate-not-linked/);
    expect(unknown).toBe(known);
    expect(await deps.db.person.count({ where: { id: who.owner.id } })).toBe(1);
  });

  test('another person cannot add it, nor its person twice, nor without being certain and here', async () => {
    const who = await certified();
    const other = await newPerson();
    expect(await codeOf(add(who, cms, other.id))).toBe('foreign-certificate-other-person');
    const input = async () => ({ personId: who.owner.id, ...(await attempt(who, 'foreign-add')) });
    const old = { acrLevel: 3, authTime: new Date(clock.now().getTime() - 11 * 60_000) };
    expect(await codeOf(addOwnForeignCertificate(who.deps, { ...(await input()), session: old }))).toBe('fresh-sign-in-needed');
    const weak = { acrLevel: 2, authTime: clock.now() };
    expect(await codeOf(addOwnForeignCertificate(who.deps, { ...(await input()), session: weak }))).toBe('fresh-sign-in-needed');
    const unproved = await registerPerson(deps, {
      name: '王建国',
      phone: `+8613${String(randomInt(1e9)).padStart(9, '3')}`,
      by: 'system:test',
    });
    expect(await codeOf(addOwnForeignCertificate(who.deps, { ...(await input()), personId: unproved.id, session: session() }))).toBe(
      'person-level-too-low',
    );
    await add(who);
    expect(await codeOf(add(who))).toBe('foreign-certificate-linked');
    expect(await deps.db.foreignCertificate.count({ where: { fingerprint: who.person.certificate.fingerprint } })).toBe(1);
  });

  test('of many that add it at once one does', async () => {
    const who = await certified();
    const codes = await Promise.all([1, 2, 3, 4].map(() => codeOf(add(who))));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(1);
    expect(codes.filter((code) => code === 'foreign-certificate-linked')).toHaveLength(3);
  });

  test('removed by its person, it signs nobody in; another’s cannot be removed', async () => {
    const who = await certified();
    await add(who);
    const [view] = await listForeignCertificates(who.deps, who.owner.id);
    const id = view?.id ?? '';
    expect(await codeOf(removeForeignCertificate(who.deps, { id, personId: (await newPerson()).id }))).toBe(
      'foreign-certificate-not-found',
    );
    await removeForeignCertificate(who.deps, { id, personId: who.owner.id });
    expect(await codeOf(signIn(who))).toBe('foreign-certificate-not-linked');
    expect(await deps.db.auditEvent.count({ where: { kind: 'foreign-certificate-removed', actor: `person:${who.owner.id}` } })).toBe(1);
    await add(who);
    expect(await codeOf(signIn(who))).toBe('ok');
  });

  test('an account whose number was corrected since is not opened', async () => {
    const who = await certified();
    await add(who);
    const other = await newPerson();
    await deps.db.foreignCertificate.updateMany({ where: { personId: who.owner.id }, data: { personId: other.id } });
    expect(await codeOf(signIn(who))).toBe('foreign-certificate-not-linked');
  });
});

test('an entry for signing in without the purpose, or with a place that is none, is not taken', async () => {
  const authority = new ForeignAuthority();
  const signIn = { number: { in: 'identify-code' }, level: 4 };
  expect(await codeOf(take(authority, { purposes: ['seal'], signIn }))).toBe('invalid-input');
  expect(await codeOf(take(authority, { signIn: { ...signIn, level: 2 } }))).toBe('invalid-input');
  expect(await codeOf(take(authority, { signIn: { ...signIn, number: { in: 'subject', oid: 'serialNumber' } } }))).toBe('invalid-input');
});
