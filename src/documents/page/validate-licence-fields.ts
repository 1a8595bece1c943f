/** What an office typed into the form of a licence: cleaned, or refused field by field. */
import { type FieldFault, Problem } from '#problem.ts';
import { isCalendarDate, isCitizenNumber, isUscc } from './check-identifier.ts';
import { missingCharacters } from './fonts.ts';
import type { LicenceField, LicenceType } from './licence-type.ts';

/**
 * Trimmed, in Unicode NFC, full-width letters and digits of numbers made plain; empty optional fields are left out.
 * @throws Problem `invalid-input` with one RFC 6901 pointer per faulty field, unknown ones included.
 */
export function validateLicenceFields(type: LicenceType, input: unknown): Record<string, string> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new Problem('invalid-input', {
      errors: [{ pointer: '', detail: 'An object of fields is expected.', detailZh: '应提交由各字段组成的对象。' }],
    });
  }
  const faults: FieldFault[] = [];
  const cleaned: Record<string, string> = {};
  const known = new Set(type.fields.map((field) => field.key));
  for (const name of Object.keys(input)) {
    if (!known.has(name))
      faults.push({ pointer: pointerTo(name), detail: 'This licence has no such field.', detailZh: '该证照没有此字段。' });
  }
  for (const field of type.fields) {
    const raw: unknown = Object.hasOwn(input, field.key) ? (input as Record<string, unknown>)[field.key] : undefined;
    const value = raw === undefined || raw === null ? '' : typeof raw === 'string' ? cleanValue(field, raw) : undefined;
    const fault = value === undefined ? NOT_TEXT : faultOf(field, value);
    if (fault) faults.push({ pointer: pointerTo(field.key), ...fault });
    else if (value) cleaned[field.key] = value;
  }
  if (type.validity.kind === 'fields' && faults.length === 0) {
    const { from, to } = type.validity;
    const [start, end] = [cleaned[from], cleaned[to]];
    if (start && end && end < start)
      faults.push({ pointer: pointerTo(to), detail: 'Ends before it begins.', detailZh: '截止日期早于起始日期。' });
  }
  if (faults.length > 0) throw new Problem('invalid-input', { errors: faults });
  return cleaned;
}

type Fault = Omit<FieldFault, 'pointer'>;
const NOT_TEXT: Fault = { detail: 'Text is expected.', detailZh: '应为文本。' };

function pointerTo(name: string): string {
  return `/${name.slice(0, 100).replace(/~/g, '~0').replace(/\//g, '~1')}`;
}

function cleanValue(field: LicenceField, raw: string): string {
  const text = raw.slice(0, 4000).normalize('NFC').replace(/\r\n?/g, '\n').trim();
  if (field.kind === 'text') return field.multiline ? text : text.replace(/\s+/g, ' ');
  const plain = text.normalize('NFKC').replace(/\s+/g, '');
  return field.kind === 'citizen-number' || field.kind === 'uscc' ? plain.toUpperCase() : plain;
}

function faultOf(field: LicenceField, value: string): Fault | undefined {
  if (value === '') return field.required ? { detail: 'This field is required.', detailZh: '此项必填。' } : undefined;
  if (Array.from(value).length > field.maxLength) {
    return { detail: `At most ${field.maxLength} characters.`, detailZh: `不得超过 ${field.maxLength} 个字。` };
  }
  switch (field.kind) {
    case 'date':
      return isCalendarDate(value) ? undefined : { detail: 'A date as YYYY-MM-DD is expected.', detailZh: '应为有效日期（年-月-日）。' };
    case 'choice':
      return field.choices?.some((choice) => choice.value === value)
        ? undefined
        : { detail: 'Not one of the possible choices.', detailZh: '不在可选范围内。' };
    case 'citizen-number':
      return isCitizenNumber(value) ? undefined : { detail: 'Not a valid citizen number.', detailZh: '公民身份号码有误。' };
    case 'uscc':
      return isUscc(value) ? undefined : { detail: 'Not a valid unified social credit code.', detailZh: '统一社会信用代码有误。' };
    default:
      return faultOfText(field, value);
  }
}

function faultOfText(field: LicenceField, value: string): Fault | undefined {
  if (field.pattern && !new RegExp(`^(?:${field.pattern})$`, 'u').test(value)) {
    return { detail: 'Not in the expected form.', detailZh: '格式不符合要求。' };
  }
  const [missing] = missingCharacters(value.replace(/\n/g, ''));
  if (missing === undefined) return undefined;
  const code = `U+${(missing.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return { detail: `No font has the character ${code}.`, detailZh: `字库中没有字符 ${missing.trim() === '' ? '' : missing}（${code}）。` };
}
