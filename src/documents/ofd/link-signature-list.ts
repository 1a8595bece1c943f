/** Making OFD.xml point to the signature list, before the first signature hashes it (GB/T 33190 §18.1). */
import { escapeXml } from '#documents/xml/escape-xml.ts';
import { Problem } from '#problem.ts';

/**
 * OFD.xml with `Signatures` as the last child of the given DocBody, where the schema has it; nothing else changes.
 * Problem `ofd-not-sealable` when the file is not UTF-8 or has no such element in plain sight.
 */
export function linkSignatureList(ofdXml: Uint8Array, documentIndex: number, listPath: string): Uint8Array {
  const text = decode(ofdXml);
  // Comments and CDATA could hide a tag that looks right: then somebody should look at the file first.
  if (text === undefined || text.includes('<!')) throw new Problem('ofd-not-sealable');
  const ends = [...text.matchAll(/<\/((?:[\w.-]+:)?)DocBody\s*>/g)];
  const end = ends[documentIndex];
  if (!end) throw new Problem('ofd-not-sealable');
  const prefix = end[1] ?? '';
  const body = text.slice(documentIndex === 0 ? 0 : (ends[documentIndex - 1]?.index ?? 0), end.index);
  const empty = new RegExp(`<${prefix}Signatures\\s*(?:/>|>\\s*</${prefix}Signatures\\s*>)`).exec(body);
  const element = `<${prefix}Signatures>${escapeXml(listPath)}</${prefix}Signatures>`;
  const at = end.index - (empty ? body.length - empty.index : 0);
  return Buffer.from(text.slice(0, at) + element + text.slice(at + (empty?.[0].length ?? 0)), 'utf8');
}

/** UTF-8 with a BOM kept in place; undefined for another encoding. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const declared = /^\uFEFF?<\?xml[^>]*encoding\s*=\s*["']([^"']+)["']/.exec(text)?.[1];
    return declared === undefined || /^utf-?8$/i.test(declared) ? text : undefined;
  } catch {
    return undefined;
  }
}
