import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { trustedCertificates } from '#certificates/find-certificates.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { changeStatus } from '#licences/change-status.ts';
import { findLicencesOf, findLicencesOfOrganisation, requireLicence } from '#licences/find-licences.ts';
import { findLicenceStatus, findPublicLicence } from '#licences/find-public-licence.ts';
import { issueLicence } from '#licences/issue-licence.ts';
import { parseIdentifier } from '#licences/licence-identifier.ts';
import { findLicenceForDesk, listRegistry } from '#licences/list-registry.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { findSealUses } from '#seals/find-seals.ts';
import { testDatabase } from '#test/test-database.ts';
import { exampleFields, type SampleCity, sampleCity } from './sample-city.ts';

const { db } = await testDatabase();
let city: SampleCity;
const issue = (more: Partial<Parameters<typeof issueLicence>[1]> = {}) =>
  issueLicence(city.deps, {
    type: 'residence-permit',
    holder: { personId: city.citizen },
    fields: exampleFields('residence-permit'),
    issuerOrganisationId: city.department.id,
    by: { personId: city.issuer },
    ...more,
  });

beforeAll(async () => {
  city = await sampleCity(db);
});

describe('a licence that was issued', () => {
  test('has an identifier by GB/T 36904, two files that verify as official, and an entry of each use of the seal', async () => {
    const { licenceId, identifier } = await issue();
    expect(parseIdentifier(identifier)).toMatchObject({ issuerCode: '11100000MB0143028R', version: 1 });
    const { roots, issuing } = await trustedCertificates(city.deps);
    const uses = await findSealUses(city.deps, { sealId: city.sealId });
    for (const format of ['ofd', 'pdf'] as const) {
      const file = await readLicenceFile(city.deps, { licenceId, format, reader: { as: 'holder', personId: city.citizen } });
      expect(file.fileName).toBe(`${identifier}.${format}`);
      const { report, licenceIdentifier } = verifyDocument(file.bytes, file.fileName, {
        anchors: roots,
        officialAnchors: roots,
        intermediates: issuing,
        at: city.deps.clock.now(),
      });
      expect(report).toMatchObject({ format, verdict: 'genuine', official: true });
      expect(report.signatures.map(({ kind, form }) => `${kind} ${form}`)).toEqual(
        format === 'ofd' ? ['seal ses-v4'] : ['signature pades-lta', 'timestamp rfc3161'],
      );
      expect(report.signatures[0]?.time.proven).toBe(city.deps.clock.now().toISOString());
      expect(licenceIdentifier).toBe(identifier);
      const digest = createHash('sha256').update(file.bytes).digest('hex');
      expect(uses.items).toContainEqual(expect.objectContaining({ format, digest, subject: `licence:${licenceId}` }));
    }
  });

  test('stands in its holder’s list, the register and the public page, each as far as it may be seen', async () => {
    const { licenceId, identifier, publicToken } = await issue();
    const own = await requireLicence(city.deps, { licenceId, personId: city.citizen });
    expect(own).toMatchObject({ identifier, status: 'in-force', holderName: '张小三', codeAllowed: true });
    expect((await findLicencesOf(city.deps, city.citizen)).map(({ id }) => id)).toContain(licenceId);
    expect((await findLicencesOf(city.deps, city.otherCitizen)).length).toBe(0);

    const open = await findPublicLicence(city.deps, publicToken);
    expect(open).toMatchObject({ identifier, status: 'in-force', holderName: '张*三' });
    expect(JSON.stringify(open)).not.toContain('350203198505050019');
    expect(JSON.stringify(open)).not.toContain('张小三');

    const register = await listRegistry(city.deps, { organisationId: city.department.id, by: { personId: city.issuer } });
    expect(register.items.map(({ id }) => id)).toContain(licenceId);
    expect(JSON.stringify(register)).not.toContain('张小三');
    expect(await findLicenceStatus(city.deps, identifier)).toMatchObject({ status: 'in-force', source: 'register' });
  });

  test('is not there for anybody else', async () => {
    const { licenceId } = await issue();
    await expect(requireLicence(city.deps, { licenceId, personId: city.otherCitizen })).rejects.toMatchObject({
      code: 'licence-not-found',
    });
    const asStranger = { licenceId, format: 'pdf' as const, reader: { as: 'holder' as const, personId: city.otherCitizen } };
    await expect(readLicenceFile(city.deps, asStranger)).rejects.toMatchObject({ code: 'licence-not-found' });
    const asClerk = { licenceId, format: 'pdf' as const, reader: { as: 'staff' as const, by: { personId: city.clerk }, purpose: '看看' } };
    await expect(readLicenceFile(city.deps, asClerk)).rejects.toMatchObject({ code: 'not-allowed' });
    expect(await findPublicLicence(city.deps, 'A'.repeat(22))).toBeUndefined();
    expect(await findPublicLicence(city.deps, '../etc/passwd')).toBeUndefined();
  });

  test('for a company is seen by its staff and by no other’s', async () => {
    const { identifier } = await issue({
      type: 'business-licence',
      holder: { organisationId: city.company.id },
      fields: exampleFields('business-licence'),
    });
    const seen = await findLicencesOfOrganisation(city.deps, { organisationId: city.company.id, byPersonId: city.manager });
    expect(seen.map((licence) => licence.identifier)).toContain(identifier);
    const other = findLicencesOfOrganisation(city.deps, { organisationId: city.company.id, byPersonId: city.clerk });
    await expect(other).rejects.toMatchObject({ code: 'not-allowed' });
  });

  test('is kept encrypted: neither table nor file tells the holder', async () => {
    const { licenceId } = await issue();
    const row = await db.licence.findUniqueOrThrow({ where: { id: licenceId } });
    const kept = Buffer.concat([Buffer.from(row.content), Buffer.from(row.publicToken), ...(await filesOf(licenceId))]).toString('latin1');
    for (const secret of ['张小三', '350203198505050019', '%PDF', 'PK\u0003\u0004']) {
      expect(kept).not.toContain(Buffer.from(secret, 'utf8').toString('latin1'));
    }
  });
});

async function filesOf(licenceId: string): Promise<Buffer[]> {
  const names = city.deps.files.names().filter((name) => name.includes(licenceId));
  expect(names).toHaveLength(2);
  return Promise.all(names.map(async (name) => Buffer.from((await city.deps.files.find(name)) ?? [])));
}

describe('issuing is refused', () => {
  test('to who is no issuer of the organisation', async () => {
    await expect(issue({ by: { personId: city.clerk } })).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(issue({ by: { personId: city.approver } })).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(issue({ by: { clientId: 'app', organisationId: city.clinic.id } })).rejects.toMatchObject({ code: 'not-allowed' });
  });

  test('for the wrong kind of holder, for unknown types and faulty fields', async () => {
    await expect(issue({ holder: { organisationId: city.company.id } })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(issue({ type: 'no-such-type' })).rejects.toMatchObject({ code: 'licence-type-not-found' });
    await expect(issue({ fields: {} })).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(issue({ fields: { ...exampleFields('residence-permit'), surprise: 'x' } })).rejects.toMatchObject({
      code: 'invalid-input',
    });
  });

  test('and leaves nothing behind', async () => {
    expect(await db.licence.count({ where: { status: 'preparing' } })).toBe(0);
    expect(await db.issueAttempt.count()).toBe(0);
  });
});

describe('the same request', () => {
  test('sent again gives the same licence', async () => {
    const requestId = 'request-0001';
    const first = await issue({ requestId });
    expect(await issue({ requestId })).toEqual(first);
    expect(await db.licence.count({ where: { requestId } })).toBe(1);
  });

  test('for another holder is refused', async () => {
    const requestId = 'request-0002';
    await issue({ requestId });
    await expect(issue({ requestId, holder: { personId: city.otherCitizen } })).rejects.toMatchObject({ code: 'request-id-taken' });
  });

  test('sent twice at once makes one licence', async () => {
    const requestId = 'request-0003';
    const results = await Promise.allSettled([issue({ requestId }), issue({ requestId }), issue({ requestId })]);
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'licence-issue-unfinished' });
    expect(await db.licence.count({ where: { requestId } })).toBe(1);
  });
});

test('fifty issued at once have fifty numbers, fifty places in the status list, and verify', { timeout: 240_000 }, async () => {
  const issued = await Promise.all(Array.from({ length: 50 }, () => issue({ holder: { personId: city.otherCitizen } })));
  expect(new Set(issued.map(({ identifier }) => identifier)).size).toBe(50);
  expect(new Set(issued.map(({ publicToken }) => publicToken)).size).toBe(50);
  const rows = await db.licence.findMany({ where: { id: { in: issued.map(({ licenceId }) => licenceId) } } });
  expect(new Set(rows.map((row) => row.serial)).size).toBe(50);
  expect(new Set(rows.map((row) => row.statusIndex)).size).toBe(50);
  expect(rows.every((row) => row.status === 'in-force')).toBe(true);
});

describe('the next version', () => {
  test('keeps the serial, counts up, and ends the one before', async () => {
    const first = await issue();
    const second = await issue({ replaces: first.licenceId });
    const before = parseIdentifier(first.identifier);
    expect(parseIdentifier(second.identifier)).toEqual({ ...before, version: 2 });
    expect(await requireLicence(city.deps, { licenceId: first.licenceId, personId: city.citizen })).toMatchObject({ status: 'superseded' });
    expect(await requireLicence(city.deps, { licenceId: second.licenceId, personId: city.citizen })).toMatchObject({
      status: 'in-force',
      version: 2,
    });
  });

  test('of one licence comes to exist once, however many ask at once', async () => {
    const first = await issue();
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => issue({ replaces: first.licenceId })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'licence-not-replaceable' });
  });

  test('of a revoked licence, or of another holder’s, is refused', async () => {
    const first = await issue();
    await expect(issue({ replaces: first.licenceId, holder: { personId: city.otherCitizen } })).rejects.toMatchObject({
      code: 'licence-not-replaceable',
    });
    await changeStatus(city.deps, { licenceId: first.licenceId, status: 'revoked', reason: '发证有误', by: { personId: city.issuer } });
    await expect(issue({ replaces: first.licenceId })).rejects.toMatchObject({ code: 'licence-not-replaceable' });
  });
});

describe('changing a status', () => {
  test('is written down with its reason, shown at once, and cannot be undone once it is an end', async () => {
    const { licenceId, publicToken } = await issue();
    const change = (status: 'suspended' | 'in-force' | 'punitively-revoked') =>
      changeStatus(city.deps, { licenceId, status, reason: '依法处理', by: { personId: city.issuer } });
    await change('suspended');
    expect((await findPublicLicence(city.deps, publicToken))?.status).toBe('suspended');
    await change('in-force');
    await change('punitively-revoked');
    await expect(change('in-force')).rejects.toMatchObject({ code: 'licence-transition-not-allowed' });
    const { history } = await findLicenceForDesk(city.deps, { licenceId, by: { personId: city.issuer } });
    expect(history.map(({ from, to, reason }) => [from, to, reason])).toEqual([
      ['in-force', 'suspended', '依法处理'],
      ['suspended', 'in-force', '依法处理'],
      ['in-force', 'punitively-revoked', '依法处理'],
    ]);
    const events = await db.auditEvent.findMany({ where: { subject: `licence:${licenceId}` }, orderBy: { id: 'asc' } });
    expect(events.map(({ kind }) => kind)).toEqual([
      'licence-prepared',
      'licence-issued',
      'licence-status-changed',
      'licence-status-changed',
      'licence-status-changed',
      'licence-read',
    ]);
    expect(JSON.stringify(events)).not.toContain('张小三');
  });

  test('by another organisation, without a reason, or twice at once, is refused', async () => {
    const { licenceId } = await issue();
    const base = { licenceId, status: 'suspended' as const, reason: '依法处理', by: { personId: city.issuer } };
    await expect(changeStatus(city.deps, { ...base, by: { personId: city.clerk } })).rejects.toMatchObject({ code: 'not-allowed' });
    await expect(changeStatus(city.deps, { ...base, reason: ' ' })).rejects.toMatchObject({ code: 'invalid-input' });
    const results = await Promise.allSettled([changeStatus(city.deps, base), changeStatus(city.deps, base)]);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

test('the register turns its pages without losing or repeating a row', async () => {
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await listRegistry(city.deps, { organisationId: city.department.id, by: { personId: city.issuer }, limit: 7, cursor });
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.length).toBe(await db.licence.count({ where: { issuerOrganisationId: city.department.id } }));
});

test('the database itself refuses a licence in force without its files', async () => {
  const { licenceId } = await issue();
  await expect(db.licence.update({ where: { id: licenceId }, data: { ofdFile: null } })).rejects.toThrow();
});
