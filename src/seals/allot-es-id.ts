/** The number of a seal (电子印章标识): area code of six digits and a serial of eight, counted per area. */
import { Problem } from '#problem.ts';
import { Prisma, type Transaction } from '#storage/database.ts';

const MAX_SERIAL = 99_999_999;

/**
 * The next number of the area. One statement counts up and returns, so two at once get two numbers; seals are few, so the
 * row they meet at is no bottleneck.
 */
export async function allotEsId(tx: Transaction, divisionCode: string): Promise<string> {
  const rows = await tx.$queryRaw<{ last: number }[]>(Prisma.sql`
    INSERT INTO seal_serial (division_code, last) VALUES (${divisionCode}, 1)
    ON CONFLICT (division_code) DO UPDATE SET last = seal_serial.last + 1
    RETURNING last`);
  const serial = rows[0]?.last ?? 0;
  if (serial < 1 || serial > MAX_SERIAL)
    throw new Problem('unavailable', { detail: 'The area has no seal number left.', detailZh: '该区划的印章编号已用尽。' });
  return divisionCode + String(serial).padStart(8, '0');
}
