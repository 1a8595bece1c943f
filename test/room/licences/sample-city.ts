/** A small city on a test database: authorities, one issuing department with an active seal, staff, a citizen and a company. */
import { appointStaff } from '#access/appoint-staff.ts';
import { initialiseAuthorities } from '#certificates/initialise-authorities.ts';
import { prepareServiceSigners } from '#certificates/service-signer.ts';
import { codeKeyRing } from '#codes/code-key-ring.ts';
import { ensureCodeKeys } from '#codes/rotate-code-key.ts';
import { findLicenceType } from '#documents/page/licence-type.ts';
import type { LicenceDeps } from '#licences/licence-deps.ts';
import { type Organisation, registerOrganisation } from '#people/organisations.ts';
import { registerPerson } from '#people/register-person.ts';
import type { FileStore } from '#ports/file-store.ts';
import type { KeyStore } from '#ports/key-store.ts';
import { applyForSeal } from '#seals/apply-for-seal.ts';
import { approveSeal } from '#seals/approve-seal.ts';
import { activateSeal } from '#seals/change-seal-status.ts';
import { makeSeal } from '#seals/make-seal.ts';
import { guardedKeyStore } from '#signer/guarded-key-store.ts';
import type { Database } from '#storage/database.ts';
import { memoryEphemeralStore } from '#test/fakes/memory-ephemeral-store.ts';
import { memoryKeyStore } from '#test/fakes/memory-key-store.ts';
import { type TestClock, testClock } from '#test/fakes/test-clock.ts';
import { testFields } from '#test/fakes/test-fields.ts';

export interface MemoryFiles extends FileStore {
  names(): string[];
}

export function memoryFiles(): MemoryFiles {
  const files = new Map<string, Uint8Array>();
  return {
    put: async (name, content) => void files.set(name, Uint8Array.from(content)),
    find: async (name) => files.get(name),
    remove: async (name) => void files.delete(name),
    async removeFolder(folder) {
      for (const name of files.keys()) if (name.startsWith(`${folder}/`)) files.delete(name);
    },
    async open(name) {
      const bytes = files.get(name);
      return bytes && { length: bytes.length, read: (start, end) => Buffer.from(bytes.subarray(start, end)), close: () => undefined };
    },
    async create(name) {
      const parts: Uint8Array[] = [];
      return {
        write: (part) => void parts.push(Uint8Array.from(part)),
        finish: async () => void files.set(name, Uint8Array.from(Buffer.concat(parts))),
        abandon: async () => undefined,
      };
    },
    names: () => [...files.keys()],
  };
}

export interface SampleCity {
  deps: LicenceDeps & { clock: TestClock; files: MemoryFiles };
  department: Organisation;
  company: Organisation;
  clinic: Organisation;
  /** Person ids. */
  issuer: string;
  approver: string;
  clerk: string;
  otherClerk: string;
  citizen: string;
  otherCitizen: string;
  manager: string;
  sealId: string;
}

export async function sampleDeps(db: Database, keys: KeyStore = memoryKeyStore()): Promise<SampleCity['deps']> {
  const clock = testClock('2026-06-01T08:00:00.000Z');
  const guarded = guardedKeyStore(keys, { clock, limits: {} });
  await ensureCodeKeys({ db, clock, keys: guarded });
  return {
    db,
    clock,
    keys: guarded,
    fields: testFields(),
    files: memoryFiles(),
    ephemeral: memoryEphemeralStore(clock),
    codes: codeKeyRing({ db, clock, keys: guarded }),
    publicOrigin: 'https://id.example',
  };
}

export async function sampleCity(db: Database, keys?: KeyStore): Promise<SampleCity> {
  const deps = await sampleDeps(db, keys);
  const by = 'system:test';
  await initialiseAuthorities(deps);
  await prepareServiceSigners(deps);
  const department = await registerOrganisation(deps, {
    name: '示范市市场监督管理局',
    uscc: '11100000MB0143028R',
    divisionCode: '350200',
    kind: 'department',
    by,
  });
  const company = await registerOrganisation(deps, { name: '示范市海天贸易有限公司', uscc: '91350100M000100Y43', kind: 'company', by });
  const clinic = await registerOrganisation(deps, {
    name: '示范市第一医院',
    internalCode: 'HOSP-0001',
    divisionCode: '350203',
    kind: 'other',
    by,
  });
  const person = async (name: string, citizenNumber: string) => (await registerPerson(deps, { name, citizenNumber, by })).id;
  const issuer = await person('陈发证', '350203198803030059');
  const approver = await person('林批准', '350203197001010035');
  const clerk = await person('王窗口', '350203199202020044');
  const otherClerk = await person('赵柜员', '350203199001010034');
  const citizen = await person('张小三', '350203198505050019');
  const otherCitizen = await person('李四', '350203197212120023');
  const manager = await person('周经理', '350203196808080048');
  await appointStaff(deps, { personId: issuer, organisationId: department.id, roles: ['issuer', 'seal-admin'], by });
  await appointStaff(deps, { personId: approver, organisationId: department.id, roles: ['approver'], by });
  await appointStaff(deps, { personId: clerk, organisationId: clinic.id, roles: ['counter'], by });
  await appointStaff(deps, { personId: otherClerk, organisationId: clinic.id, roles: ['counter'], by });
  await appointStaff(deps, { personId: manager, organisationId: company.id, roles: ['operator'], by });
  const sealId = await activeSeal(deps, department.id, { admin: issuer, approver });
  return { deps, department, company, clinic, issuer, approver, clerk, otherClerk, citizen, otherCitizen, manager, sealId };
}

export async function activeSeal(deps: LicenceDeps, organisationId: string, staff: { admin: string; approver: string }): Promise<string> {
  const { sealId } = await applyForSeal(deps, { organisationId, kind: 'licence', licenceTypes: [], by: { personId: staff.admin } });
  await approveSeal(deps, { sealId, by: { personId: staff.approver }, decision: 'approve' });
  await makeSeal(deps, { sealId, by: { personId: staff.admin } });
  await activateSeal(deps, { sealId, by: { personId: staff.admin } });
  return sealId;
}

/** The examples of the template, as somebody would type them. */
export function exampleFields(slug: string): Record<string, string> {
  const type = findLicenceType(slug);
  return Object.fromEntries((type?.fields ?? []).filter((field) => field.example !== '').map((field) => [field.key, field.example]));
}
