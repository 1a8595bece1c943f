/** Why a counter looks at a licence. A catalogue for the everyday cases, free words for the rest; the holder reads it in their log. */
import { faultyField } from '#problem.ts';

export const PURPOSES = [
  { key: 'identity-check', zh: '核验身份', en: 'Check of identity' },
  { key: 'service-application', zh: '办理政务服务事项', en: 'Application for a public service' },
  { key: 'business-registration', zh: '办理市场主体登记', en: 'Business registration' },
  { key: 'bank-account', zh: '办理银行开户', en: 'Opening a bank account' },
  { key: 'traffic-check', zh: '道路交通检查', en: 'Traffic check' },
  { key: 'school-enrolment', zh: '办理入学', en: 'School enrolment' },
  { key: 'housing', zh: '办理住房事项', en: 'Housing matters' },
  { key: 'hotel-check-in', zh: '旅馆住宿登记', en: 'Hotel check-in' },
  { key: 'inspection', zh: '监督检查', en: 'Inspection' },
] as const;

const MIN_CHARACTERS = 2;
const MAX_CHARACTERS = 200;

/** A catalogue key, or words of 2 to 200 characters. Throws Problem `invalid-input` at /purpose. */
export function parsePurpose(text: string): string {
  const purpose = text.normalize('NFC').trim();
  const characters = [...purpose].length;
  if (characters < MIN_CHARACTERS || characters > MAX_CHARACTERS || /\p{Cc}/u.test(purpose)) {
    throw faultyField('/purpose', 'Say in 2 to 200 characters what the licence is looked at for.', '请用 2 至 200 个字说明查验用途。');
  }
  return purpose;
}

/** In words: the catalogue's, or what was written. */
export function purposeInWords(purpose: string): { zh: string; en: string } {
  const listed = PURPOSES.find(({ key }) => key === purpose);
  return listed ? { zh: listed.zh, en: listed.en } : { zh: purpose, en: purpose };
}
