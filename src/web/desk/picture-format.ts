/** What kind of picture, by its first bytes; names and declared types may say anything. */
export function pictureFormatOf(bytes: Uint8Array): 'PNG' | 'JPEG' | undefined {
  const starts = (...magic: number[]) => magic.every((byte, index) => bytes[index] === byte);
  if (starts(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'PNG';
  return starts(0xff, 0xd8, 0xff) ? 'JPEG' : undefined;
}
