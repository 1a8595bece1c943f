/** The register of what is sealed is whole: held against the schema, against the source, and in a city that has some of everything. */
import { randomUUID } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { localDataKeys } from '#adapters/local-data-keys.ts';
import { rotateDataKey } from '#audit/rotate-data-key.ts';
import { archiveKey } from '#certificates/issue-pair.ts';
import { fieldCipher } from '#crypto/field-cipher.ts';
import { keyVersionOfFile } from '#crypto/sealed-file.ts';
import { drawPortrait } from '#demo/draw-portrait.ts';
import { SEALS_EVERYWHERE_MS, startResealing } from '#jobs/reseal-pass.ts';
import { eraseDataKey } from '#jobs/retire-data-key.ts';
import { nameOfColumn, SEALED_COLUMNS, SEALED_FILES } from '#jobs/sealed-places.ts';
import { issueLicence } from '#licences/issue-licence.ts';
import { readLicenceFile } from '#licences/read-licence-file.ts';
import { registerClient } from '#oidc/register-client.ts';
import { ensureSigningKeys } from '#oidc/signing-keys.ts';
import { changePhone } from '#people/change-phone.ts';
import { keepJobFile, openJobFile } from '#seals/job-files.ts';
import { placeOfFile, resultNameOf, sourceNameOf } from '#seals/seal-job.ts';
import { openSession } from '#sign-in/sessions.ts';
import { setPassword } from '#sign-in/set-password.ts';
import { Prisma } from '#storage/database.ts';
import { findResealFaults, findResealing } from '#storage/find-resealing.ts';
import { openDataKeys } from '#storage/open-data-keys.ts';
import { LONGEST_EPHEMERAL_SECONDS } from '#storage/sealed-places.ts';
import { testFields } from '#test/fakes/test-fields.ts';
import { testDatabase } from '#test/test-database.ts';
import { exampleFields, type SampleCity, sampleCity } from '../licences/sample-city.ts';
import { resealAll } from './reseal-all.ts';

const { db } = await testDatabase();
const dataKeys = localDataKeys('a secret of this test alone, long enough');
const by = 'system:test';

/** Every other column of bytes: digests, blind indexes, what is public, keys wrapped otherwise. A new one comes here, or into the register of its room. */
const NOT_SEALED = [
  ...['approval.digest', 'audit_checkpoint.chain_hash', 'audit_link.chain_hash', 'audit_link.event_hash'],
  ...['browser_session.token_hash', 'certificate_request.csr', 'certificate_request.digest', 'certificate_request.key_digest'],
  ...['certified_key.key_digest', 'code_key.certificate', 'code_key.issuer', 'code_key.spki', 'data_key.wrapped'],
  ...['enrolment_token.key_digest', 'enrolment_token.token_hash', 'issuance_log_entry.leaf_hash', 'issuance_log_head.root_hash'],
  ...['issuance_log_node.hash', 'issued_certificate.der', 'issued_certificate.key_digest', 'issued_certificate.tbs'],
  ...['known_device.token_hash', 'licence.public_token_index', 'look_up.code_id', 'ocsp_answer.der', 'oidc_refresh_token.id_hash'],
  ...['oidc_session.id_hash', 'person.citizen_number_index', 'person.phone_index', 'revocation_list.der', 'revocation_list.digest'],
  ...['revocation_list.tbs', 'revocation_list_piece.bytes', 'seal.certificate', 'seal.given_picture', 'seal.pdf_certificates'],
  ...['seal.picture_png', 'seal.seal', 'seal_maker.certificate', 'sign_in_guard.key'],
];

/** Files of the source that seal, and what becomes of it: the place of the register, or why there is none. */
const SEALING: Record<string, string> = {
  'certificates/issue-pair.ts': 'archived_key.sealed_key',
  'certificates/name-person.ts': 'stands in a certificate for good',
  'crypto/sealed-file.ts': 'seal-job.file',
  'jobs/reseal-column.ts': 'a pass itself',
  'licences/finish-licence.ts': 'licence.file',
  'licences/licence-content.ts': 'licence.content licence.photo licence.public_token',
  'oidc/register-client.ts': 'oidc_client.sealed_secret',
  'oidc/signing-keys.ts': 'oidc_signing_key.sealed_jwk',
  'people/change-phone.ts': 'person.phone',
  'people/prove-real-name.ts': 'person.name person.citizen_number',
  'people/register-person.ts': 'person.name person.citizen_number person.phone',
  'seals/create-seal-job.ts': 'seal_job_file.name',
  'sign-in/is-right-password.ts': 'password_credential.hash',
  'sign-in/register-with-phone.ts': 'ephemeral',
  'sign-in/sessions.ts': 'browser_session.user_agent',
  'sign-in/set-password.ts': 'password_credential.hash',
  'sign-in/sms-code.ts': 'ephemeral',
  'web/desk/previewed-picture.ts': 'ephemeral',
};

test('every column of bytes in the database is either in the register or known not to be sealed', async () => {
  const columns = await db.$queryRaw<{ name: string }[]>`
    SELECT table_name || '.' || column_name AS name FROM information_schema.columns
    WHERE table_schema = current_schema() AND udt_name IN ('bytea', '_bytea') ORDER BY 1`;
  expect(columns.map(({ name }) => name).sort()).toEqual([...NOT_SEALED, ...SEALED_COLUMNS.map(nameOfColumn)].sort());
});

test('the database looks at every sealed column for keys that are closed', async () => {
  const watched = await db.$queryRaw<{ name: string }[]>`
    SELECT c.relname || '.' || a.attname AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(t.tgattr)
    WHERE t.tgname = c.relname || '_key_is_open' AND t.tgenabled = 'O'`;
  expect(watched.map(({ name }) => name).sort()).toEqual(SEALED_COLUMNS.map(nameOfColumn).sort());
});

test('every file of the source that seals has its place in the register, or ends by itself', () => {
  const src = fileURLToPath(new URL('../../../src/', import.meta.url));
  const found = globSync('**/*.ts', { cwd: src }).filter((file) =>
    /\b(fields|deps\.fields)\.seal\(/.test(readFileSync(src + file, 'utf8')),
  );
  expect(found.sort()).toEqual(Object.keys(SEALING).sort());
  const named = new Set(Object.values(SEALING).flatMap((names) => names.split(' ')));
  for (const name of [...SEALED_COLUMNS.map(nameOfColumn), ...SEALED_FILES.map((kind) => kind.name)]) expect(named).toContain(name);
});

test('what is kept for a while is kept for less than is waited for', () => {
  const src = fileURLToPath(new URL('../../../src/', import.meta.url));
  for (const [file] of Object.entries(SEALING).filter(([, where]) => where === 'ephemeral')) {
    const lives = [...readFileSync(src + file, 'utf8').matchAll(/const \w*(?:LIFE|KEPT)_SECONDS = ([\d_]+);/g)].map(([, text]) =>
      Number(text?.replaceAll('_', '')),
    );
    expect(lives, file).toHaveLength(1);
    expect(lives[0], file).toBeLessThanOrEqual(LONGEST_EPHEMERAL_SECONDS / 2);
  }
});

test('a city with some of everything: after a pass the new key alone opens it all, and the old one can go', async () => {
  const city = await cityWithEverything();
  const { deps } = city;
  const before = await valuesOf();
  for (const [name, values] of before) expect(values.length, name).toBeGreaterThan(0);
  for (const { sealed } of [...before.values()].flat()) expect(sealed[0]).toBe(1);

  const own = { db, clock: deps.clock, files: deps.files, dataKeys };
  await rotateDataKey(own, by);
  deps.clock.advance(SEALS_EVERYWHERE_MS);
  await startResealing(own, by);
  await resealAll(own);
  expect(await findResealFaults(db, { limit: 10 })).toEqual([]);
  expect(await findResealing(db)).toMatchObject({ state: 'clean', resealed: [...before.values()].flat().length + city.files.length });
  deps.clock.advance(LONGEST_EPHEMERAL_SECONDS * 1_000);
  await eraseDataKey(own, { version: 1, by });

  const fields = fieldCipher(await openDataKeys(db, dataKeys, deps.clock.now()));
  const old = testFields();
  for (const [name, values] of await valuesOf()) {
    for (const { place, sealed } of values) {
      const was = before.get(name)?.find((value) => value.place === place)?.sealed as Uint8Array;
      expect(fields.open(place, sealed), place).toEqual(old.open(place, was));
    }
  }
  for (const name of deps.files.names()) {
    const stored = await deps.files.open(name);
    expect(stored && keyVersionOfFile(stored), name).toBe(2);
  }
  const fresh = { ...deps, fields };
  const { bytes } = await readLicenceFile(fresh, {
    licenceId: city.licenceId,
    format: 'ofd',
    reader: { as: 'holder', personId: city.citizen },
  });
  expect(Buffer.from(bytes.subarray(0, 2)).toString()).toBe('PK');
  for (const file of city.jobFiles) {
    const kept = await openJobFile(fresh, file.name, file.place);
    expect(kept?.read(0, kept.length).equals(file.plain)).toBe(true);
  }
}, 120_000);

/** Of each sealed column what there is. */
async function valuesOf() {
  const found = new Map<string, { place: string; sealed: Uint8Array }[]>();
  for (const column of SEALED_COLUMNS) {
    const [table, value, id] = [column.table, column.column, column.idColumn].map((name) => Prisma.raw(`"${name}"`));
    const rows = await db.$queryRaw<{ id: string; sealed: Uint8Array }[]>`
      SELECT ${id as Prisma.Sql}::text AS id, ${value as Prisma.Sql} AS sealed FROM ${table as Prisma.Sql} WHERE ${value as Prisma.Sql} IS NOT NULL`;
    found.set(
      nameOfColumn(column),
      rows.map((row) => ({ place: column.place(row.id), sealed: row.sealed })),
    );
  }
  return found;
}

async function cityWithEverything() {
  const keys = [
    { purpose: 'field', key: new Uint8Array(32).fill(7) },
    { purpose: 'index', key: new Uint8Array(32).fill(9) },
  ];
  for (const { purpose, key } of keys) {
    const wrapped = Uint8Array.from(await dataKeys.wrap(key));
    await db.dataKey.create({ data: { purpose, version: 1, wrapped, createdAt: new Date('2026-01-01') } });
  }
  const city: SampleCity = await sampleCity(db);
  const { deps } = city;
  await changePhone(deps, { personId: city.citizen, phone: '13800000001', by });
  await setPassword(deps, { personId: city.citizen, password: 'a long enough phrase 42', by });
  await openSession(deps, { personId: city.citizen, acr: 'urn:tongren:acr:2', amr: ['pwd'], userAgent: 'Browser' });
  await ensureSigningKeys(deps);
  await registerClient(deps, {
    ...{ id: 'an-app', kind: 'web', authMethod: 'client_secret_basic', by },
    ...{ name: { zh: '应用', en: 'App' }, operator: { zh: '某局', en: 'Bureau' }, purpose: { zh: '测试', en: 'Test' } },
    ...{ redirectUris: ['https://an-app.example/callback'], scopes: ['openid'] },
  });
  const archived = { serialHex: '0a1b', signingSerial: '0a1c', suite: 'es256', pkcs8: Buffer.from('a private key'), by } as const;
  await db.$transaction((tx) => archiveKey(tx, deps, archived));
  const { licenceId } = await issueLicence(deps, {
    ...{ type: 'residence-permit', holder: { personId: city.citizen }, fields: exampleFields('residence-permit') },
    ...{ issuerOrganisationId: city.department.id, by: { personId: city.issuer } },
    photo: { format: 'PNG', bytes: await drawPortrait({ skin: '#e8c39e', hair: '#222222', coat: '#335577', longHair: false }) },
  });
  const jobFiles = await addJobFiles(city);
  return { ...city, licenceId, jobFiles, files: deps.files.names() };
}

/** One that waits, of several segments, and one that is sealed already. */
async function addJobFiles({ deps, department, sealId }: SampleCity) {
  const job = {
    id: randomUUID(),
    organisationId: department.id,
    sealId,
    actor: by,
    requestId: 'sealed-places',
    status: 'running',
    place: {},
  };
  await db.sealJob.create({ data: { ...job, createdAt: deps.clock.now() } });
  const added: { name: string; place: string; plain: Buffer }[] = [];
  for (const status of ['waiting', 'sealed'] as const) {
    const [id, claim] = [randomUUID(), randomUUID()];
    const what = status === 'waiting' ? 'source' : 'result';
    const name = status === 'waiting' ? sourceNameOf({ jobId: job.id, id }) : resultNameOf({ jobId: job.id, id }, claim);
    const plain = Buffer.alloc(status === 'waiting' ? 200_000 : 10, status);
    await keepJobFile(deps, name, placeOfFile(id, what), async (take) => take(plain));
    const called = deps.fields.seal(placeOfFile(id, 'name'), '通知书.ofd');
    const row = { id, jobId: job.id, key: status, name: called, format: 'ofd', status, sourceBytes: plain.length, sourceDigest: '' };
    const ended = status === 'sealed' ? { claim, resultDigest: '', resultBytes: plain.length, finishedAt: deps.clock.now() } : {};
    await db.sealJobFile.create({ data: { ...row, ...ended } });
    added.push({ name, place: placeOfFile(id, what), plain });
  }
  return added;
}
