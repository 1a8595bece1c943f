/** What a Chinese input method may leave behind: full-width letters, digits and signs as ASCII, the ideographic space as a blank. */
export function halfWidth(text: string): string {
  return text.replace(/[\uff01-\uff5e]/g, (character) => String.fromCharCode(character.charCodeAt(0) - 0xfee0)).replace(/\u3000/g, ' ');
}
