/** Names as papers carry them: any script, the interpunct of minority names (·), no control characters, at most 50 characters. */
import { faultyField } from '#problem.ts';

const ACCEPTABLE = /^[\p{L}\p{M}\p{N}\p{Co}·.'’\- ]{1,50}$/u;

/** Trims, composes (NFC, never NFKC: that would exchange rare characters) and settles the interpunct. Throws Problem `invalid-input` at `/name`. */
export function parsePersonName(text: string): string {
  const name = text
    .slice(0, 400)
    .normalize('NFC')
    .replace(/[•・‧∙⋅．]/g, '·')
    .replace(/[\s\u3000]+/g, ' ')
    .trim();
  if ([...name].length < 1 || !ACCEPTABLE.test(name) || !/[\p{L}\p{Co}]/u.test(name)) {
    throw faultyField('/name', 'This is not a name as papers carry it.', '姓名格式不正确。');
  }
  return name;
}
