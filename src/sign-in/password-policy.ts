/** What a password must be: at least 8 characters with three of four classes (GB/T 22239-2019 8.1.4.1), or a phrase of 20; and not guessable from the person. */
import type { PersonView } from '#people/person.ts';
import { faultyField } from '#problem.ts';

export const LONGEST_PASSWORD = 128;
const SHORTEST_PASSWORD = 8;
const SHORTEST_PHRASE = 20;
const FEWEST_DIFFERENT = 5;
/** What is tried first in China and elsewhere, without case and without digits and signs at the ends. */
const COMMON = new Set([
  'password',
  'passw0rd',
  'p@ssw0rd',
  'qwerty',
  'qwertyuiop',
  'admin',
  'administrator',
  'woaini',
  'iloveyou',
  'welcome',
  'letmein',
  'abc',
  'tongren',
  'aini',
  'nihao',
  'zhangsan',
  '1qaz2wsx',
  'q1w2e3r4',
]);

/** Throws Problem `invalid-input` at `/password`. */
export function checkPassword(password: string, person: Pick<PersonView, 'phone' | 'citizenNumber' | 'name'>): void {
  const characters = [...password];
  if (characters.length < SHORTEST_PASSWORD || characters.length > LONGEST_PASSWORD) {
    throw faultyField(
      '/password',
      `A password has ${SHORTEST_PASSWORD} to ${LONGEST_PASSWORD} characters.`,
      `密码长度应为${SHORTEST_PASSWORD}至${LONGEST_PASSWORD}位。`,
    );
  }
  const classes = [/\p{Lu}/u, /\p{Ll}/u, /\p{Nd}/u, /[^\p{Lu}\p{Ll}\p{Nd}]/u].filter((pattern) => pattern.test(password)).length;
  if (classes < 3 && characters.length < SHORTEST_PHRASE) {
    throw faultyField(
      '/password',
      'Use three of: capital letters, small letters, digits, other characters; or a phrase of 20 characters.',
      '密码须包含大写字母、小写字母、数字、其他字符中的三类，或使用20位以上的短语。',
    );
  }
  if (
    new Set(characters).size < FEWEST_DIFFERENT ||
    COMMON.has(password.toLowerCase().replace(/^[\d\W_]+|[\d\W_]+$/g, '')) ||
    isAboutPerson(password, person)
  ) {
    throw faultyField('/password', 'This password is easy to guess.', '密码过于简单，请勿使用常见词、手机号、证件号或姓名。');
  }
}

function isAboutPerson(password: string, { phone, citizenNumber, name }: Pick<PersonView, 'phone' | 'citizenNumber' | 'name'>): boolean {
  const facts = [phone?.slice(3), citizenNumber?.slice(6, 14), citizenNumber?.slice(-6), name];
  return facts.some((fact) => fact !== undefined && fact.length >= 2 && password.includes(fact));
}
