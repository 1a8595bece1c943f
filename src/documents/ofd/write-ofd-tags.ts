/**
 * The data index of a licence (数据标引, GB/T 36905): which objects on which page show which item, so that a program can point at the
 * holder's name on the page. In the form in which certificate tools write it: CustomTag `cert`, one element per item.
 */
/** The namespace every OFD file declares. */
export const OFD_NAMESPACE = 'xmlns:ofd="http://www.ofdspec.org/2016"';

export interface TaggedObject {
  page: number;
  object: number;
}

/** Two files without XML declaration, or undefined when nothing is tagged. */
export function writeCustomTags(
  tags: ReadonlyMap<string, readonly TaggedObject[]>,
  names: ReadonlyMap<string, string>,
): { index: string; certificate: string } | undefined {
  const elements: string[] = [];
  for (const [field, objects] of tags) {
    const name = elementName(names.get(field) ?? '');
    if (name === '') continue;
    const references = objects.map(({ page, object }) => `<cert:ObjectRef PageRef="${page}">${object}</cert:ObjectRef>`);
    elements.push(`<cert:${name}>${references.join('')}</cert:${name}>`);
  }
  if (elements.length === 0) return undefined;
  return {
    index: `<ofd:CustomTags ${OFD_NAMESPACE}><ofd:CustomTag TypeID="cert"><ofd:FileLoc>Tag_Certificate.xml</ofd:FileLoc></ofd:CustomTag></ofd:CustomTags>`,
    certificate: `<cert:root xmlns:cert="http://www.cert.org/">${elements.join('')}</cert:root>`,
  };
}

/** Chinese names are legal XML names; blanks and punctuation are not. */
function elementName(label: string): string {
  return label.replace(/[^\p{L}\p{N}_]/gu, '').replace(/^[\p{N}]+/u, '');
}
