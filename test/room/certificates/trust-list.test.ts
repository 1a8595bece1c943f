import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { appointStaff } from '#access/appoint-staff.ts';
import { decideApproval } from '#access/decide-approval.ts';
import type { Role, Staff } from '#access/staff.ts';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { readLeaf } from '#certificates/log-entry.ts';
import { readHead } from '#certificates/log-head.ts';
import { anchorsOf, trustListPem, withListed } from '#certificates/trust-list-anchors.ts';
import {
  decideTrustEntry,
  listTrustEntries,
  proposeTrustEntry,
  removeTrustEntry,
  requireTrustEntry,
  resumeTrustEntry,
  suspendTrustEntry,
  type TrustProposal,
} from '#certificates/trust-list-entries.ts';
import {
  currentTrustList,
  EDITION_LIFE_MS,
  prepareTrustList,
  publishTrustList,
  readTrustEntries,
} from '#certificates/trust-list-publish.ts';
import { readTrustList } from '#certificates/trust-list-read.ts';
import type { Suite } from '#crypto/suite.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { readInstalledTrust } from '#edge/installation.ts';
import { writeTrustFolder } from '#edge/trust-folder.ts';
import { parsePem, toPem } from '#pki/pem.ts';
import type { ProfileName } from '#pki/profiles.ts';
import { validatePath } from '#pki/validate-path.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { seededRandom } from '#test/fakes/seeded-random.ts';
import { testClock } from '#test/fakes/test-clock.ts';
import { testDatabase } from '#test/test-database.ts';

const START = '2026-06-01T08:00:00.000Z';
const DAY_MS = 86_400_000;
const { db } = await testDatabase();
const clock = testClock(START);
const deps = { db, clock, keys: guardedKeyStore(memoryKeyStore(), { clock }), publicOrigin: 'https://trust.example.cn' };
await initialiseAuthorities(deps);
await prepareTrustList(deps);
beforeEach(() => clock.set(START));

const operator = (roles: readonly Role[] = ['operator']): Promise<Staff> =>
  appointStaff(deps, { personId: randomUUID(), organisationId: randomUUID(), roles, by: 'system:test' });
const [first, second] = [await operator(), await operator()];
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'ok',
    (problem) => problem.code ?? String(problem),
  );

const pemOf = (authority: DocumentAuthority) => toPem('CERTIFICATE', authority.root.certificate.der);
const foreign = (suite: Suite = 'es256') => new DocumentAuthority({ name: `外地CA ${randomUUID()}`, suite });
const proposal = (authority: DocumentAuthority, change: Partial<TrustProposal> = {}): TrustProposal => ({
  by: first,
  nameZh: '邻省数字证书认证中心',
  nameEn: 'Neighbour Province CA',
  certificates: pemOf(authority),
  constraints: { purposes: ['document-signing'] },
  official: false,
  ...change,
});
const propose = (authority: DocumentAuthority, change: Partial<TrustProposal> = {}) => proposeTrustEntry(deps, proposal(authority, change));
async function take(authority: DocumentAuthority, change: Partial<TrustProposal> = {}) {
  const { id, digest } = await propose(authority, change);
  return decideTrustEntry(deps, { id, by: second, decision: 'approve', digest: digest ?? '' });
}
const sequence = async () => (await readTrustEntries(deps)).sequence;

describe('taking an authority in', () => {
  test('needs two operators: what one proposed trusts nothing until the other approved exactly that', async () => {
    const authority = foreign();
    const before = await sequence();
    const proposed = await propose(authority);
    expect(proposed).toMatchObject({ state: 'proposed', waitingFor: 'import', suite: 'es256', importedBy: `staff:${first.id}` });
    expect((await readTrustEntries(deps)).entries.some(({ id }) => id === proposed.id)).toBe(false);
    const decide = (by: Staff, digest = proposed.digest ?? '') =>
      decideTrustEntry(deps, { id: proposed.id, by, decision: 'approve', digest });
    expect(await codeOf(decide(first))).toBe('same-person');
    expect(await codeOf(decide(await operator(['approver'])))).toBe('not-allowed');
    expect(await codeOf(decide(second, '00'.repeat(32)))).toBe('approval-changed');
    expect(await sequence()).toBe(before);
    expect(await decide(second)).toMatchObject({ state: 'active', approvedBy: `staff:${second.id}` });
    expect(await codeOf(decide(second))).toBe('trust-entry-state');
    expect(await sequence()).toBe(before + 1);
    expect(await db.auditEvent.count({ where: { subject: `trust-entry:${proposed.id}`, kind: 'trust-entry-approved' } })).toBe(1);
  });

  test('two approvers at once are one approval', async () => {
    const { id } = await propose(foreign());
    const before = await sequence();
    const codes = await Promise.all(
      [second, await operator()].map((by) => codeOf(decideTrustEntry(deps, { id, by, decision: 'approve' }))),
    );
    expect(codes.filter((code) => code === 'ok')).toHaveLength(1);
    expect(await sequence()).toBe(before + 1);
  });

  test('a rejected authority is not in the list and may be proposed again', async () => {
    const authority = foreign();
    const { id } = await propose(authority);
    expect(await codeOf(propose(authority))).toBe('trust-entry-exists');
    const rejected = await decideTrustEntry(deps, { id, by: second, decision: 'reject', reason: '资质不足' });
    expect(rejected).toMatchObject({ state: 'rejected', reason: '资质不足' });
    expect(await codeOf(propose(authority))).toBe('ok');
  });

  test.each<[string, (authority: DocumentAuthority) => Partial<TrustProposal> | Promise<Partial<TrustProposal>>, string]>([
    ['no certificate', () => ({ certificates: 'nothing' }), 'invalid-input'],
    ['a broken certificate', () => ({ certificates: toPem('CERTIFICATE', Uint8Array.of(0x30, 0x03, 1, 2, 3)) }), 'invalid-input'],
    ['no authority', (one) => ({ certificates: toPem('CERTIFICATE', one.issue('document-signer').certificate.der) }), 'invalid-input'],
    [
      'an expired authority',
      () => ({ certificates: pemOf(new DocumentAuthority({ suite: 'es256', to: new Date('2026-01-01T00:00:00Z') })) }),
      'invalid-input',
    ],
    ['no purpose', () => ({ constraints: { purposes: [] } }), 'invalid-input'],
    ['any purpose', () => ({ constraints: { purposes: ['any'] } }), 'invalid-input'],
    ['an unknown limit', () => ({ constraints: { purposes: ['seal'], permitted: [] } }), 'invalid-input'],
    [
      'a subtree that cannot be enforced',
      () => ({ constraints: { purposes: ['server'], permittedNames: [{ kind: 'ip', value: 'x' }] } }),
      'invalid-input',
    ],
    ['official for servers', () => ({ official: true, constraints: { purposes: ['server'] } }), 'invalid-input'],
    ['an end after the authority’s', () => ({ validUntil: new Date('2041-01-01T00:00:00Z') }), 'invalid-input'],
    [
      'an end before the beginning',
      () => ({ validFrom: new Date('2027-01-01T00:00:00Z'), validUntil: new Date('2026-12-01T00:00:00Z') }),
      'invalid-input',
    ],
    ['an empty name', () => ({ nameZh: ' ' }), 'invalid-input'],
    [
      'an authority of our own',
      async () => ({ certificates: toPem('CERTIFICATE', (await trustedCertificates(deps)).roots[0]?.der ?? new Uint8Array()) }),
      'trust-entry-exists',
    ],
    ['a clerk who is no operator', async () => ({ by: await operator(['issuer']) }), 'not-allowed'],
  ])('is refused for %s', async (_what, change, code) => {
    const authority = foreign();
    expect(await codeOf(propose(authority, await change(authority)))).toBe(code);
  });
});

describe('the life of an entry', () => {
  test('suspending takes one operator and works at once; taking it back takes two', async () => {
    const { id } = await take(foreign());
    const before = await sequence();
    const isAnchor = async () => {
      const fingerprint = (await requireTrustEntry(deps, id)).fingerprint;
      return anchorsOf(await readTrustEntries(deps), clock.now()).some(({ anchor }) => anchor.fingerprint === fingerprint);
    };
    expect(await isAnchor()).toBe(true);
    expect(await codeOf(suspendTrustEntry(deps, { id, by: first, reason: '' }))).toBe('invalid-input');
    expect(await suspendTrustEntry(deps, { id, by: first, reason: '密钥疑似泄露' })).toMatchObject({ state: 'suspended' });
    expect(await isAnchor()).toBe(false);
    expect(await codeOf(suspendTrustEntry(deps, { id, by: first, reason: '再次' }))).toBe('trust-entry-state');
    const asked = await resumeTrustEntry(deps, { id, by: first });
    expect(asked).toMatchObject({ state: 'suspended', waitingFor: 'resume' });
    expect(await codeOf(resumeTrustEntry(deps, { id, by: second }))).toBe('approval-pending');
    expect(await codeOf(decideTrustEntry(deps, { id, by: first, decision: 'approve' }))).toBe('same-person');
    expect(await isAnchor()).toBe(false);
    expect(await decideTrustEntry(deps, { id, by: second, decision: 'approve' })).toMatchObject({ state: 'active' });
    expect(await isAnchor()).toBe(true);
    expect(await sequence()).toBe(before + 2);
  });

  test('a removed entry is gone for good, and the authority may be proposed anew', async () => {
    const authority = foreign();
    const { id } = await take(authority);
    await removeTrustEntry(deps, { id, by: second, reason: '停止服务' });
    expect((await readTrustEntries(deps)).entries.some((entry) => entry.id === id)).toBe(false);
    expect(await codeOf(removeTrustEntry(deps, { id, by: second, reason: '停止服务' }))).toBe('trust-entry-state');
    expect(await codeOf(resumeTrustEntry(deps, { id, by: first }))).toBe('trust-entry-state');
    expect(await codeOf(propose(authority))).toBe('ok');
  });

  test('an entry expires to the second, and the list says so with the next number', async () => {
    const end = new Date(clock.now().getTime() + 30 * DAY_MS);
    const { id } = await take(foreign(), { validUntil: end });
    const isAnchor = async (at: Date) => anchorsOf(await readTrustEntries(deps), at).length;
    const others = (await isAnchor(new Date(end.getTime()))) as number;
    expect(await isAnchor(new Date(end.getTime() - 1))).toBe(others + 1);
    clock.set(end);
    expect((await listTrustEntries(deps, { state: 'expired' })).map((entry) => entry.id)).toContain(id);
    const before = await sequence();
    expect(await publishTrustList(deps)).toBe(1);
    expect(await sequence()).toBe(before + 1);
    expect(await codeOf(resumeTrustEntry(deps, { id, by: first }))).toBe('trust-entry-state');
  });

  test('what was approved cannot be changed in the store, nor approved by one alone', async () => {
    const { id } = await take(foreign());
    await expect(db.trustEntry.update({ where: { id }, data: { official: true } })).rejects.toThrow('does not change');
    await expect(db.trustEntry.update({ where: { id }, data: { approvedBy: `staff:${first.id}` } })).rejects.toThrow(
      'trust_entry_two_persons',
    );
    await expect(db.$executeRaw`DELETE FROM "trust_change"`).rejects.toThrow('written once');
    const { id: waiting } = await propose(foreign());
    await expect(db.trustEntry.update({ where: { id: waiting }, data: { state: 'active' } })).rejects.toThrow('trust_entry_trusted_by_two');
  });

  test('an approval given elsewhere is not enough without the entry’s own decision', async () => {
    const { id } = await propose(foreign());
    const row = await db.trustEntry.findUniqueOrThrow({ where: { id } });
    await decideApproval(deps, { id: row.approvalId ?? '', by: second, decision: 'approve' });
    expect((await requireTrustEntry(deps, id)).state).toBe('proposed');
  });
});

describe('the signed list', () => {
  const anchors = async () => (await trustedCertificates(deps)).roots;
  const current = async () => (await currentTrustList(deps)).document;

  test('is signed in both suites under our roots, and numbers each change', async () => {
    await take(foreign(), { official: true, constraints: { purposes: ['seal', 'document-signing'], policies: ['1.2.3.4'] } });
    const verdict = readTrustList(await current(), { anchors: await anchors(), at: clock.now() });
    expect(verdict.faults).toEqual([]);
    expect(verdict.proven).toEqual(['es256', 'sm2-sm3']);
    expect(verdict.list?.sequence).toBe(await sequence());
    expect(verdict.list?.entries.at(-1)).toMatchObject({ official: true, state: 'active', constraints: { policies: ['1.2.3.4'] } });
  });

  test('can be checked by a JOSE library that knows nothing of us', async () => {
    const { generalVerify, importX509 } = await import('jose');
    const { payload, signatures } = await current();
    const [p256] = signatures.filter(({ protected: head }) => Buffer.from(head, 'base64url').toString().includes('ES256'));
    const key = await importX509(toPem('CERTIFICATE', Buffer.from(p256?.header.x5c[0] ?? '', 'base64')), 'ES256');
    const read = await generalVerify({ payload, signatures }, key);
    expect(JSON.parse(Buffer.from(read.payload).toString('utf8'))).toMatchObject({ format: 'tongren-trust-list', version: 1 });
  });

  test('is refused when changed, signed by others, out of date or of another form', async () => {
    const document = await current();
    const judge = async (changed: unknown, at = clock.now(), roots = anchors()) =>
      readTrustList(changed, { anchors: await roots, at }).faults;
    const list = JSON.parse(Buffer.from(document.payload, 'base64url').toString('utf8'));
    const payload = Buffer.from(JSON.stringify({ ...list, sequence: 10_000 })).toString('base64url');
    expect(await judge({ ...document, payload })).toEqual(['forged']);
    const [one, two] = document.signatures;
    expect(await judge({ ...document, signatures: [{ ...one, signature: two?.signature }, two] })).toEqual(['forged']);
    expect(await judge(document, clock.now(), Promise.resolve([foreign().root.certificate]))).toEqual(['unknown-key']);
    expect(await judge(document, new Date(Date.parse(list.nextUpdate) + 1))).toEqual(['out-of-date']);
    expect(await judge(document, new Date(Date.parse(list.issuedAt) - 1))).toContain('not-yet-issued');
    for (const other of [undefined, {}, { ...document, more: 1 }, { ...document, payload: 'e30' }, { ...document, signatures: [] }])
      expect(await judge(other)).toEqual(['malformed']);
  });

  test('is issued anew every day, so that a reader can tell an old one', async () => {
    await publishTrustList(deps);
    const before = await db.trustEdition.count();
    await publishTrustList(deps);
    expect(await db.trustEdition.count()).toBe(before);
    clock.advance(EDITION_LIFE_MS - DAY_MS);
    await publishTrustList(deps);
    const { list } = await currentTrustList(deps);
    expect(list.issuedAt).toBe(clock.now().toISOString());
    expect(await db.trustEdition.count()).toBe(before + 1);
  });

  test('a change holds at once for our own verification while the signer is away, and is published later', async () => {
    const { id } = await take(foreign());
    const away = { ...deps, keys: { ...deps.keys, find: () => Promise.reject(new Error('not a problem of ours')) } };
    await expect(suspendTrustEntry(away, { id, by: first, reason: '暂停' })).rejects.toThrow('not a problem of ours');
    expect((await readTrustEntries(deps)).entries.find((entry) => entry.id === id)?.state).toBe('suspended');
    expect((await currentTrustList(deps)).list.entries.find((entry) => entry.id === id)?.state).toBe('active');
    await publishTrustList(deps);
    expect((await currentTrustList(deps)).list.entries.find((entry) => entry.id === id)?.state).toBe('suspended');
  });

  test('as PEM holds the anchors in force and nothing else, with their limits as comments', async () => {
    const [on, off] = [foreign(), foreign()];
    await take(on, { nameEn: 'Kept CA' });
    const { id } = await take(off);
    await suspendTrustEntry(deps, { id, by: first, reason: '暂停' });
    const { list } = await currentTrustList(deps);
    const pem = trustListPem(list, clock.now());
    const fingerprints = parsePem(pem).map((der) => Buffer.from(der).toString('hex'));
    expect(fingerprints).toContain(Buffer.from(on.root.certificate.der).toString('hex'));
    expect(fingerprints).not.toContain(Buffer.from(off.root.certificate.der).toString('hex'));
    expect(pem).toContain('# 邻省数字证书认证中心 / Kept CA\n');
    expect(pem).toContain('"purposes":["document-signing"]');
  });
});

describe('tongren trust', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tongren-trust-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const program = fileURLToPath(new URL('../../../src/cli.ts', import.meta.url));
  const run = (words: readonly string[]) =>
    spawnSync(process.execPath, [program, 'trust', ...words], {
      env: { PATH: process.env['PATH'], TONGREN_DATA_DIR: folder },
      encoding: 'utf8',
    });

  test('checks a list from a file against a root, and says what is wrong', { timeout: 60_000 }, async () => {
    const { roots } = await trustedCertificates(deps);
    const [list, root] = [join(folder, 'list.json'), join(folder, 'root.pem')];
    writeFileSync(list, JSON.stringify((await currentTrustList(deps)).document));
    writeFileSync(root, roots.map(({ der }) => toPem('CERTIFICATE', der)).join(''));
    const at = new Date(clock.now().getTime() + 60_000).toISOString();
    const good = run(['check', list, '--trust', root, '--at', at, '--json']);
    expect(JSON.parse(good.stdout)).toMatchObject({ faults: [], proven: ['es256', 'sm2-sm3'] });
    expect(good.status).toBe(0);
    const unproven = run(['check', list, '--at', at]);
    expect(unproven.stdout).toContain('不能追溯到受信任的根证书');
    expect(unproven.status).toBe(1);
    writeFileSync(list, '{}');
    expect(run(['check', list, '--trust', root]).status).toBe(2);
    expect(run(['list']).status).toBe(3);
  });

  test('the trust folder gives commands the list, and not one that is out of date', async () => {
    await publishTrustList(deps);
    await writeTrustFolder(folder, deps);
    const readAt = (at: Date) => {
      vi.useFakeTimers({ now: at, toFake: ['Date'] });
      try {
        return readInstalledTrust(folder).trustList;
      } finally {
        vi.useRealTimers();
      }
    };
    const { list } = await currentTrustList(deps);
    expect(readAt(new Date(list.issuedAt))).toEqual(list);
    expect(readAt(new Date(Date.parse(list.nextUpdate) + 1))).toBeUndefined();
    writeFileSync(join(folder, 'trust', 'trust-list.json'), '{"payload":');
    expect(readAt(new Date(list.issuedAt))).toBeUndefined();
  });
});

describe('bytes from outside', () => {
  test('never make the readers of lists, heads and leaves throw', async () => {
    const random = seededRandom(20_260_601);
    const { document } = await currentTrustList(deps);
    const { roots } = await trustedCertificates(deps);
    const sources = [
      JSON.stringify(document),
      JSON.stringify({ tree_size: 1, timestamp: 1, sha256_root_hash: 'AA==', log_id: 'AA==', tree_head_signature: 'BAMAAA==' }),
    ];
    let parsed = 0;
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.from(sources[round % 2] ?? '', 'utf8');
      for (let change = 0; change <= round % 4; change++) bytes[Math.floor(random() * bytes.length)] = 0x20 + Math.floor(random() * 95);
      readLeaf(bytes);
      let value: unknown;
      try {
        value = JSON.parse(bytes.toString('utf8'));
      } catch {
        continue;
      }
      parsed++;
      const { faults } = readTrustList(value, { anchors: roots, at: clock.now() });
      // Whatever is believed says what was signed.
      if (faults.length === 0) expect((value as typeof document).payload).toBe(document.payload);
      if (round % 2 === 1) expect(faults).toEqual(['malformed']);
      expect(typeof readHead(value, [])).toBe('string');
    }
    expect(parsed).toBeGreaterThan(50);
  });
});

describe('verification goes by the list', () => {
  async function trustNow(at = clock.now()) {
    const { roots, issuing } = await trustedCertificates(deps);
    return { ...withListed({ anchors: roots, intermediates: issuing }, anchorsOf(await readTrustEntries(deps), at)), at };
  }
  async function signed(authority: DocumentAuthority, profile: ProfileName = 'document-signer', options = {}) {
    const signer = authority.issue(profile, options);
    return signPdf(samplePdf(), {
      certificates: [signer.certificate.der, authority.root.certificate.der],
      suite: 'es256',
      signedAt: clock.now(),
      fieldName: 'Signature1',
      sign: signer.sign,
    });
  }
  async function judge(pdf: Uint8Array) {
    const { verdict, official } = verifyDocument(pdf, 'x.pdf', await trustNow()).report;
    return { verdict, official };
  }

  test('a document of a listed authority is genuine while the entry is active, and official only when the entry says so', async () => {
    const [plain, marked] = [foreign(), foreign()];
    const pdf = await signed(plain);
    expect(await judge(pdf)).toEqual({ verdict: 'untrusted-signer', official: false });
    const { id } = await take(plain);
    expect(await judge(pdf)).toEqual({ verdict: 'genuine', official: false });
    await suspendTrustEntry(deps, { id, by: first, reason: '暂停' });
    expect(await judge(pdf)).toEqual({ verdict: 'untrusted-signer', official: false });
    await take(marked, { official: true });
    expect(await judge(await signed(marked))).toEqual({ verdict: 'genuine', official: true });
    expect(await judge(await signed(marked, 'person'))).toEqual({ verdict: 'genuine', official: false });
  });

  test('an authority taken for timestamps or servers does not make documents genuine', async () => {
    const authority = foreign();
    await take(authority, { constraints: { purposes: ['timestamp', 'server', 'seal'] } });
    expect((await judge(await signed(authority))).verdict).toBe('untrusted-signer');
  });

  test('names outside what the entry permits are refused', async () => {
    const authority = foreign();
    const attributes = [
      { oid: '2.5.4.6', value: 'CN' },
      { oid: '2.5.4.10', value: '邻省市场监管局' },
    ];
    await take(authority, { constraints: { purposes: ['document-signing'], permittedNames: [{ kind: 'directory', attributes }] } });
    expect((await judge(await signed(authority, 'document-signer', { organisation: '别处机构' }))).verdict).toBe('not-valid');
    expect((await judge(await signed(authority, 'document-signer', { organisation: '邻省市场监管局' }))).verdict).toBe('genuine');
  });

  test('certificates issued after the entry’s cut-off do not count, and the reason is told', async () => {
    const authority = foreign();
    await take(authority, { constraints: { purposes: ['server'], issuedUntil: '2026-01-01T00:00:00.000Z' } });
    const judgeServer = async (notBefore: string) => {
      const leaf = authority.issue('web-server', {
        notBefore: new Date(notBefore),
        notAfter: new Date('2026-12-01T00:00:00Z'),
      }).certificate;
      const { reasons } = validatePath({ leaf, ...(await trustNow()), purpose: 'server' });
      return reasons.filter((reason) => reason !== 'revocation-unknown');
    };
    expect(await judgeServer('2025-12-01T00:00:00Z')).toEqual([]);
    expect(await judgeServer('2026-02-01T00:00:00Z')).toEqual(['issued-after-distrust']);
  });

  test('an RSA authority made by OpenSSL may be listed', async () => {
    const run = spawnSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-days', '3650', '-subj', '/C=CN/O=RSA CA/CN=RSA Root'],
      {
        encoding: 'utf8',
      },
    );
    // Its dates are of today, not of the test's clock.
    clock.set(new Date());
    expect(await take(foreign(), { certificates: run.stdout })).toMatchObject({ state: 'active', suite: 'rs256' });
    expect((await currentTrustList(deps)).list.entries.at(-1)?.suite).toBe('rs256');
  });
});
