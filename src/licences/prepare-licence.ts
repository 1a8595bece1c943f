/**
 * The first half of issuing: everything that can be refused is refused here, the number is allotted, and a row nobody can
 * see is written. Numbers, status places and public tokens are drawn at random and guarded by unique indexes: no lock, no
 * queue at a counter row, and nobody learns from a number how many licences there are.
 */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { recordEvent } from '#audit/record-event.ts';
import type { LicencePhoto } from '#documents/page/licence-data.ts';
import type { LicenceType } from '#documents/page/licence-type.ts';
import { validateLicenceFields } from '#documents/page/validate-licence-fields.ts';
import { validityOf } from '#documents/page/validity.ts';
import { findPerson } from '#people/find-person.ts';
import { type Organisation, organisationIdentifier, requireOrganisation } from '#people/organisations.ts';
import { faultyField, Problem } from '#problem.ts';
import { isUniqueViolation } from '#storage/database.ts';
import { chinaDateOf, endOfChinaDay, startOfChinaDay } from './china-date.ts';
import { type LicenceContent, sealContent, sealPhoto, sealPublicToken } from './licence-content.ts';
import type { LicenceDeps } from './licence-deps.ts';
import { formatIdentifier } from './licence-identifier.ts';
import { isReplaceable, type StoredStatus } from './licence-status.ts';
import { drawStatusIndex, growStatusList } from './status-places.ts';

export type LicenceHolder = { personId: string } | { organisationId: string };

export interface NewLicence {
  type: LicenceType;
  holder: LicenceHolder;
  fields: Record<string, unknown>;
  issuer: Organisation;
  actor: string;
  photo?: LicencePhoto | undefined;
  replaces?: string | undefined;
  requestId?: string | undefined;
}

const MAX_DRAWS = 16;
const MAX_PHOTO_BYTES = 500_000;

/** Writes the row and returns its id. Throws Problem `invalid-input`, `character-not-in-font`, `licence-not-replaceable`. */
export async function prepareLicence(deps: LicenceDeps, input: NewLicence): Promise<string> {
  const { db, clock, fields } = deps;
  const now = clock.now();
  const values = validateLicenceFields(input.type, input.fields);
  const issuedOn = chinaDateOf(now);
  const validity = validityOf(input.type, values, issuedOn);
  if (validity.validTo !== undefined && validity.validTo < validity.validFrom) {
    throw faultyField('/fields', 'The licence would end before it begins.', '证照有效期截止日早于起始日。');
  }
  if (input.photo && input.photo.bytes.length > MAX_PHOTO_BYTES) throw faultyField('/photo', 'The photo is too large.', '照片文件过大。');
  const { holder, holderKind, holderId } = await holderOf(deps, input);
  const predecessor = input.replaces === undefined ? undefined : await requireReplaceable(deps, input, holderId);
  const issuerCode = issuerCodeOf(input.issuer);

  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const id = randomUUID();
    const serial = predecessor?.serial ?? drawSerial(now);
    const version = (predecessor?.version ?? 0) + 1;
    const content: LicenceContent = {
      holder,
      issuer: { name: input.issuer.name, code: issuerCode, divisionCode: divisionOf(input.issuer) },
      number: serial,
      issuedOn,
      ...validity,
      fields: values,
    };
    try {
      const statusIndex = await drawStatusIndex(db);
      await db.$transaction(async (tx) => {
        await tx.licence.create({
          data: {
            id,
            identifier: formatIdentifier({ typeCode: input.type.code, issuerCode, serial, version }),
            typeKey: input.type.slug,
            typeCode: input.type.code,
            issuerCode,
            serial,
            version,
            issuerOrganisationId: input.issuer.id,
            holderKind,
            holderId,
            status: 'preparing',
            statusChangedAt: now,
            content: sealContent(fields, id, content),
            photo: input.photo ? sealPhoto(fields, id, input.photo) : null,
            validFrom: startOfChinaDay(validity.validFrom),
            validTo: validity.validTo === undefined ? null : endOfChinaDay(validity.validTo),
            preparedAt: now,
            preparedBy: input.actor,
            statusIndex,
            ...sealPublicToken(fields, id, randomBytes(16).toString('base64url')),
            requestId: input.requestId ?? null,
            replacesId: predecessor?.id ?? null,
          },
        });
        await recordEvent(tx, {
          kind: 'licence-prepared',
          actor: input.actor,
          subject: `licence:${id}`,
          detail: { type: input.type.slug },
          at: now,
        });
      });
      return id;
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      if (input.requestId !== undefined && (await isRequestTaken(deps, input.issuer.id, input.requestId)))
        throw new Problem('licence-issue-unfinished');
      // Somebody else is replacing the same licence at this moment: its next version exists already.
      if (predecessor) throw new Problem('licence-not-replaceable', { cause: error });
      if (draw >= 3) await growStatusList(db);
    }
  }
  throw new Problem('unavailable');
}

/** Year and twelve random digits: 10^12 numbers a year for each issuer and type. */
function drawSerial(now: Date): string {
  const half = () => String(randomInt(1_000_000)).padStart(6, '0');
  return `${chinaDateOf(now).slice(0, 4)}${half()}${half()}`;
}

async function holderOf(deps: LicenceDeps, { type, holder }: NewLicence) {
  const wrongKind = () => faultyField('/holder', 'This type of licence is for another kind of holder.', '该证照类型的持证主体类别不符。');
  if ('personId' in holder) {
    if (type.holderKind !== 'natural') throw wrongKind();
    const person = await findPerson(deps, holder.personId);
    if (!person?.name || !person.citizenNumber) {
      throw faultyField('/holder', 'The holder is not known here by name and citizen number.', '持证人尚未完成实名登记。');
    }
    return {
      holderKind: 'natural',
      holderId: person.id,
      holder: { name: person.name, identifier: person.citizenNumber, identifierType: '111' },
    };
  }
  if (type.holderKind !== 'legal') throw wrongKind();
  const organisation = await requireOrganisation(deps, holder.organisationId);
  return {
    holderKind: 'legal',
    holderId: organisation.id,
    holder: {
      name: organisation.name,
      identifier: organisationIdentifier(organisation),
      identifierType: organisation.uscc ? '001' : '099',
    },
  };
}

async function requireReplaceable({ db }: LicenceDeps, input: NewLicence, holderId: string) {
  const row = await db.licence.findUnique({ where: { id: input.replaces ?? '' } });
  const same = row && row.typeKey === input.type.slug && row.holderId === holderId && row.issuerOrganisationId === input.issuer.id;
  if (!same || !isReplaceable(row.status as StoredStatus) || row.version >= 999) throw new Problem('licence-not-replaceable');
  return row;
}

async function isRequestTaken({ db }: LicenceDeps, issuerOrganisationId: string, requestId: string): Promise<boolean> {
  return (await db.licence.findUnique({ where: { issuerOrganisationId_requestId: { issuerOrganisationId, requestId } } })) !== null;
}

/** As GB/T 36904 allows: credit code, else organisation code, else the code of the division. */
function issuerCodeOf(issuer: Organisation): string {
  const code = issuer.uscc ?? issuer.organisationCode ?? issuer.divisionCode;
  if (!code)
    throw new Problem('invalid-input', {
      detail: 'The issuing organisation has no code for licence numbers.',
      detailZh: '颁发机构缺少可用于证照标识的机构代码。',
    });
  return code;
}

function divisionOf(issuer: Organisation): string {
  return issuer.divisionCode ?? issuer.uscc?.slice(2, 8) ?? '000000';
}
