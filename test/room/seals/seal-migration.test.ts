/** The tables of seals as they were, filled, taken through what came later: states, history and the guards are right afterwards. */
import { randomBytes, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { connectionOptions } from '#storage/database.ts';
import { addressOf } from '#test/postgres-for-tests.ts';

const FOLDER = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));
const FIRST_OF_RULES = '20261121094000_seal_rules_and_history';
const name = `t_${randomBytes(8).toString('hex')}`;
const admin = new pg.Client(connectionOptions(inject('postgres')));
let old: pg.Client;

const migrations = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();
async function migrate(names: readonly string[]) {
  for (const migration of names) await old.query(readFileSync(`${FOLDER}/${migration}/migration.sql`, 'utf8'));
}

beforeAll(async () => {
  await admin.connect();
  await admin.query(`CREATE DATABASE "${name}"`);
  old = new pg.Client(connectionOptions(addressOf(inject('postgres'), name)));
  await old.connect();
  await migrate(migrations.filter((migration) => migration < FIRST_OF_RULES));
});
afterAll(async () => {
  await old.end();
  await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
  await admin.end();
});

const APPLIED = '2026-03-01T01:00:00.000Z';
const MADE = '2026-03-02T01:00:00.000Z';
const ENDED = '2026-05-02T01:00:00.000Z';

async function insertSeal(status: string, isMade: boolean): Promise<string> {
  const id = randomUUID();
  const esId = isMade ? String(Math.floor(Math.random() * 1e14)).padStart(14, '3') : null;
  const bytes = isMade ? Buffer.from('x') : null;
  await old.query(
    `INSERT INTO seal (id, es_id, organisation_id, name, kind, division_code, licence_types, status, applied_at, applied_by, made_at,
       valid_from, valid_to, seal, picture_png, width_mm, height_mm, key_name, certificate, pdf_key_name, pdf_certificates)
     VALUES ($1, $2, $3, '章', 'official', '350200', '{}', $4, $5, 'staff:1', $6, $6, $7, $8, $8, 42, 42, $9, $8, $9, '{}')`,
    [
      id,
      esId,
      randomUUID(),
      status,
      APPLIED,
      isMade ? MADE : null,
      isMade ? '2029-03-02T01:00:00.000Z' : null,
      bytes,
      isMade ? 'key' : null,
    ],
  );
  const events = [['seal-applied-for', APPLIED], ...(isMade ? [['seal-made', MADE]] : [])];
  if (status === 'cancelled') events.push(['seal-cancelled', ENDED]);
  for (const [kind, at] of events) {
    await old.query(`INSERT INTO audit_event (id, at, kind, actor, subject, detail) VALUES ($1, $2, $3, 'staff:1', $4, $5)`, [
      ...[randomUUID(), at, kind, `seal:${id}`],
      kind === 'seal-cancelled' ? { reason: '机构撤并' } : {},
    ]);
  }
  return id;
}

test('what was cancelled after it was made counts as destroyed, with its history; nothing of the log can be changed any more', async () => {
  const [applied, made, ended, withdrawn] = [
    await insertSeal('applied', false),
    await insertSeal('made', true),
    await insertSeal('cancelled', true),
    await insertSeal('cancelled', false),
  ];
  await old.query(
    `INSERT INTO seal_use (id, seal_id, at, actor, subject, format, digest) VALUES ($1, $2, $3, 'staff:1', 'licence:1', 'ofd', 'ab')`,
    [randomUUID(), ended, MADE],
  );
  await migrate(migrations.filter((migration) => migration >= FIRST_OF_RULES));
  const { rows } = await old.query('SELECT id, status, status_since, users, daily_limit, has_star FROM seal');
  const seals = new Map(rows.map(({ id, ...row }) => [id, row]));
  const usual = { users: [], daily_limit: null, has_star: true };
  expect(seals.get(applied)).toEqual({ ...usual, status: 'applied', status_since: new Date(APPLIED) });
  expect(seals.get(made)).toEqual({ ...usual, status: 'made', status_since: new Date(MADE) });
  expect(seals.get(ended)).toEqual({ ...usual, status: 'destroyed', status_since: new Date(ENDED) });
  expect(seals.get(withdrawn)).toEqual({ ...usual, status: 'cancelled', status_since: new Date(ENDED) });
  const history = await old.query('SELECT "to", reason FROM seal_change WHERE seal_id = $1 ORDER BY at', [ended]);
  expect(history.rows).toEqual([
    { to: 'applied', reason: null },
    { to: 'made', reason: null },
    { to: 'destroyed', reason: '机构撤并' },
  ]);
  await expect(old.query('DELETE FROM seal_use')).rejects.toThrow('stays on record');
  await expect(old.query(`UPDATE seal SET status = 'active' WHERE id = $1`, [ended])).rejects.toThrow('does not come back');
});
