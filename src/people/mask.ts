/** Personal data as others may see it. Masking works on characters, not UTF-16 units: rare characters in names are common. */

/** 张三 → 张*, 张小三 → 张*三, 欧阳小明 → 欧**明. */
export function maskName(name: string): string {
  const characters = [...name];
  if (characters.length <= 1) return '*';
  if (characters.length === 2) return `${characters[0]}*`;
  return `${characters[0]}${'*'.repeat(Math.min(characters.length - 2, 8))}${characters.at(-1)}`;
}

/** 350102199003071234 → 3501**********1234 */
export function maskCitizenNumber(number: string): string {
  return number.length < 12 ? '*'.repeat(number.length) : `${number.slice(0, 4)}${'*'.repeat(number.length - 8)}${number.slice(-4)}`;
}

/** +8613900000001 → 139****0001 */
export function maskPhone(phone: string): string {
  const national = phone.replace(/^\+86/, '');
  return national.length < 8 ? '*'.repeat(national.length) : `${national.slice(0, 3)}****${national.slice(-4)}`;
}
