/** Devices and kiosks that may enrol by themselves: put on the list by an operator, and taken off it. */
import { requireRole } from '#access/require-role.ts';
import { type Staff, staffActor } from '#access/staff.ts';
import { recordEvent } from '#audit/record-event.ts';
import { isUuid } from '#people/is-uuid.ts';
import { requireOrganisation } from '#people/organisations.ts';
import { type FieldFault, Problem } from '#problem.ts';
import { type Database, isUniqueViolation } from '#storage/database.ts';
import type { EnrolDeps } from './enrolment.ts';

type Reading = Pick<EnrolDeps, 'db' | 'clock'>;

export interface Device {
  id: string;
  organisationId: string;
  name: string;
  /** The maker's; stands as common name in its certificates. */
  serialNumber: string;
  /** Each certificate waits for a second operator. */
  needsApproval: boolean;
  /** Staff id of the operator. */
  registeredBy: string;
  registeredAt: Date;
  retiredAt?: Date;
}

export interface NewDevice {
  organisationId: string;
  name: string;
  serialNumber: string;
  /** Default false: who registers it stands for its certificates. */
  needsApproval?: boolean;
  by: Staff;
}

/** Throws Problem `not-allowed`, `invalid-input` (/name, /serialNumber), `organisation-not-found`, `device-taken`. */
export async function registerDevice(deps: Reading, input: NewDevice): Promise<Device> {
  const by = await requireOperator(deps, input.by);
  const name = input.name.normalize('NFC').trim();
  const serialNumber = input.serialNumber.trim();
  const errors: FieldFault[] = [];
  if (name.length < 2 || name.length > 64 || /[\p{Cc}\p{Cf}]/u.test(name)) {
    errors.push({ pointer: '/name', detail: 'A name of 2 to 64 characters is needed.', detailZh: '名称应为2至64个字符。' });
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._:/-]{2,63}$/.test(serialNumber)) {
    const detail = '3 to 64 letters, digits and . _ : / - are needed.';
    errors.push({ pointer: '/serialNumber', detail, detailZh: '应为3至64位字母、数字或 . _ : / -。' });
  }
  if (errors.length > 0) throw new Problem('invalid-input', { errors });
  const { id: organisationId } = await requireOrganisation(deps, input.organisationId);
  const at = deps.clock.now();
  try {
    return await deps.db.$transaction(async (tx) => {
      const row = await tx.enrolledDevice.create({
        data: { organisationId, name, serialNumber, needsApproval: input.needsApproval ?? false, registeredBy: by.id, registeredAt: at },
      });
      const detail = { organisation: organisationId, needsApproval: row.needsApproval };
      await recordEvent(tx, { kind: 'device-registered', actor: staffActor(by), subject: `device:${row.id}`, at, detail });
      return deviceOf(row);
    });
  } catch (error) {
    throw isUniqueViolation(error) ? new Problem('device-taken', { cause: error }) : error;
  }
}

/** No token of it works any more, and nothing is renewed; its certificates are revoked apart. Throws `not-allowed`, `device-not-found`. */
export async function retireDevice(deps: Reading, input: { deviceId: string; by: Staff }): Promise<void> {
  const by = await requireOperator(deps, input.by);
  await requireDevice(deps, input.deviceId);
  const at = deps.clock.now();
  await deps.db.$transaction(async (tx) => {
    const { count } = await tx.enrolledDevice.updateMany({ where: { id: input.deviceId, retiredAt: null }, data: { retiredAt: at } });
    if (count > 0) await recordEvent(tx, { kind: 'device-retired', actor: staffActor(by), subject: `device:${input.deviceId}`, at });
  });
}

/** By registration, newest first. */
export async function listDevices(
  { db }: Pick<Reading, 'db'>,
  filter: { organisationId?: string; limit?: number } = {},
): Promise<Device[]> {
  const rows = await db.enrolledDevice.findMany({
    where: filter.organisationId ? { organisationId: filter.organisationId } : {},
    orderBy: { id: 'desc' },
    take: Math.min(Math.max(filter.limit ?? 100, 1), 500),
  });
  return rows.map(deviceOf);
}

/** Also a retired one. Throws Problem `device-not-found`. */
export async function requireDevice({ db }: Pick<Reading, 'db'>, id: string): Promise<Device> {
  const row = isUuid(id) ? await db.enrolledDevice.findUnique({ where: { id } }) : null;
  if (!row) throw new Problem('device-not-found');
  return deviceOf(row);
}

/** The living position as operator. Throws Problem `not-allowed`. */
export function requireOperator(deps: Pick<Reading, 'db'>, { personId, organisationId }: Staff): Promise<Staff> {
  return requireRole(deps, { personId, organisationId, role: 'operator' });
}

function deviceOf(row: NonNullable<Awaited<ReturnType<Database['enrolledDevice']['findUnique']>>>): Device {
  const { retiredAt, ...device } = row;
  return { ...device, ...(retiredAt ? { retiredAt } : {}) };
}
