/** From an application to what the seal will look like: checked, and drawn once so that nothing is found out only when it is made. */
import { createHash } from 'node:crypto';
import type { Organisation } from '#people/organisations.ts';
import { type FieldFault, Problem } from '#problem.ts';
import { type CheckedPicture, checkSealPicture } from './check-seal-picture.ts';
import { drawSealPicture, type SealPictureInput } from './draw-seal-picture.ts';
import { bottomTextOf, SEAL_KINDS, type SealKind, type SealKindFacts, sealNameOf } from './seal-kinds.ts';

export interface SealWishes {
  kind: SealKind;
  /** For `special`: the line under the star, 2–16 characters. */
  purpose?: string | undefined;
  /** For `legal-representative`: the name on it, 1–20 characters; drawn at once and not kept otherwise. */
  bearerName?: string | undefined;
  /** Of a round seal; default by kind. */
  diameterMm?: number | undefined;
  /** Of a round seal; default true. */
  star?: boolean | undefined;
  /** PNG instead of a drawing of ours; `signature` needs one. */
  picture?: { bytes: Uint8Array; widthMm: number } | undefined;
}

export interface SealDesign {
  name: string;
  purpose: string | null;
  diameterMm: number | null;
  hasStar: boolean;
  /** Kept with the application; undefined for what is drawn when the number is known. */
  given: CheckedPicture | undefined;
}

/** @throws Problem `invalid-input` (/purpose, /bearerName, /diameterMm, /picture, /widthMm, /kind). Draws nothing but name seals. */
export async function designSeal(organisation: Organisation, wishes: SealWishes): Promise<SealDesign> {
  const { kind, picture } = wishes;
  const facts: SealKindFacts = SEAL_KINDS[kind];
  const purpose = facts.purpose === 'free' ? cut(wishes.purpose) : null;
  const bearer = cut(wishes.bearerName);
  const diameterMm = facts.drawing === 'round' ? (wishes.diameterMm ?? facts.diametersMm[0] ?? null) : null;
  const errors: FieldFault[] = [];
  if (purpose !== null) errors.push(...faultsOfPurpose(purpose));
  if (diameterMm !== null && !(facts.diametersMm.includes(diameterMm) && (diameterMm < 50 || organisation.kind === 'department'))) {
    errors.push({ pointer: '/diameterMm', detail: 'Not a size for this seal.', detailZh: '该印章不能使用此直径。' });
  }
  if (facts.drawing === 'oval' && !organisation.uscc) {
    const detail = 'A seal for invoices shows the credit code, which the organisation does not have.';
    errors.push({ pointer: '/kind', detail, detailZh: '发票专用章须刻统一社会信用代码，该机构没有。' });
  }
  if (facts.drawing === 'given' && !picture) {
    errors.push({ pointer: '/picture', detail: 'This seal needs a picture.', detailZh: '请上传签名图片。' });
  }
  if (facts.drawing === 'name' && !picture && !/^[\p{Script=Han}·]{1,20}$/u.test(bearer)) {
    errors.push({ pointer: '/bearerName', detail: 'A name of 1 to 20 Chinese characters.', detailZh: '请填写 1 至 20 个汉字的姓名。' });
  }
  if (errors.length > 0) throw new Problem('invalid-input', { errors });
  const given: CheckedPicture | undefined = picture
    ? checkSealPicture({ kind, ...picture })
    : facts.drawing === 'name'
      ? await drawSealPicture({ organisationName: bearer, kind: 'personal' })
      : undefined;
  return {
    name: sealNameOf(organisation.name, kind, purpose),
    purpose,
    diameterMm,
    hasStar: wishes.star ?? true,
    given,
  };
}

/** What the seal looks like; `esId` as it will stand on it. @throws Problem `seal-name-length`, `character-not-in-font`. */
export async function pictureOfDesign(
  organisation: Organisation,
  design: Omit<SealDesign, 'name'> & { kind: SealKind },
  esId: string,
): Promise<CheckedPicture> {
  if (design.given) return design.given;
  const { kind, purpose, diameterMm, hasStar } = design;
  const oval = SEAL_KINDS[kind].drawing === 'oval';
  const bottomText = bottomTextOf(kind, purpose);
  const input: SealPictureInput = {
    organisationName: organisation.name,
    kind: oval ? 'invoice' : kind === 'official' ? 'official' : 'special',
    ...(bottomText ? { bottomText } : {}),
    serial: oval ? (organisation.uscc ?? '') : esId,
    ...(diameterMm === null ? {} : { diameterMm }),
    centre: hasStar ? 'star' : 'none',
  };
  return drawSealPicture(input);
}

/** The columns a design is kept in. */
export function columnsOf({ name, purpose, diameterMm, hasStar, given }: SealDesign) {
  return {
    ...{ name, purpose, diameterMm, hasStar },
    givenPicture: given ? Uint8Array.from(given.png) : null,
    pictureSvg: given?.svg ?? null,
    givenWidthMm: given?.widthMm ?? null,
    givenHeightMm: given?.heightMm ?? null,
  };
}

/** From the columns again. */
export function designOf(row: {
  kind: string;
  purpose: string | null;
  diameterMm: number | null;
  hasStar: boolean;
  givenPicture: Uint8Array | null;
  pictureSvg: string | null;
  givenWidthMm: number | null;
  givenHeightMm: number | null;
}): Omit<SealDesign, 'name'> & { kind: SealKind } {
  const { purpose, diameterMm, hasStar, givenPicture: png, givenWidthMm: widthMm, givenHeightMm: heightMm, pictureSvg: svg } = row;
  const given = png && widthMm && heightMm ? { png, widthMm, heightMm, ...(svg === null ? {} : { svg }) } : undefined;
  return { kind: row.kind as SealKind, purpose, diameterMm, hasStar, given };
}

export function digestOfPicture(png: Uint8Array): string {
  return createHash('sha256').update(png).digest('hex');
}

function faultsOfPurpose(purpose: string): FieldFault[] {
  const fixed = Object.values(SEAL_KINDS).find((facts) => facts.purpose === purpose);
  if (fixed) {
    return [{ pointer: '/purpose', detail: 'There is a kind of its own for this.', detailZh: '该用途请选择对应的印章种类。' }];
  }
  if (/^[\p{Script=Han}A-Za-z0-9（）、·]{2,16}$/u.test(purpose)) return [];
  return [{ pointer: '/purpose', detail: '2 to 16 characters.', detailZh: '请填写 2 至 16 个字的印章用途，如“不动产登记专用章”。' }];
}

function cut(text: string | undefined): string {
  return (text ?? '').normalize('NFC').replace(/\s+/g, '').replaceAll('(', '（').replaceAll(')', '）');
}
