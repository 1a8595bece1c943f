/** A picture between looking at it and applying: kept for the one who sent it, encrypted, for half an hour. */
import { randomUUID } from 'node:crypto';
import type { Staff } from '#access/staff.ts';
import { isUuid } from '#people/is-uuid.ts';
import { faultyField } from '#problem.ts';
import type { WebContext } from '#web/web-context.ts';

const KEPT_SECONDS = 1_800;

export interface PreviewedPicture {
  /** PNG, as we wrote it. */
  bytes: Uint8Array;
  widthMm: number;
}

export async function keepPreviewed({ ephemeral, fields }: WebContext, staff: Staff, picture: PreviewedPicture): Promise<string> {
  const id = randomUUID();
  const { bytes, widthMm } = picture;
  const key = keyOf(staff, id);
  const png = Buffer.from(fields.seal(key, bytes)).toString('base64');
  await ephemeral.set(key, JSON.stringify({ widthMm, png }), KEPT_SECONDS);
  return id;
}

/** Throws Problem `invalid-input` (/picture) when it is there no more. */
export async function findPreviewed({ ephemeral, fields }: WebContext, staff: Staff, id: string): Promise<PreviewedPicture> {
  const key = keyOf(staff, id);
  const kept = isUuid(id) ? await ephemeral.get(key) : undefined;
  if (kept === undefined)
    throw faultyField('/picture', 'The picture is kept for half an hour only. Please choose it again.', '图片已超时失效，请重新选择。');
  const { widthMm, png } = JSON.parse(kept) as { widthMm: number; png: string };
  return { bytes: fields.open(key, Buffer.from(png, 'base64')), widthMm };
}

function keyOf({ id: staffId }: Staff, id: string): string {
  return `seal-picture:${staffId}:${id}`;
}
