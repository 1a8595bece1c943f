/**
 * Bounded reading of XML from outside: no DTD, no entities but the five of XML, limits on bytes, elements and depth.
 * Names are handed over without their prefix: real OFD files use other prefixes, the default namespace, or forget the year.
 */
import { SaxesParser } from 'saxes';
import { decodeXml, XmlError } from './decode-text.ts';

/** What may still be read; one budget may serve all files of a package, so that many small files cannot exceed it. */
export interface XmlBudget {
  nodesLeft: number;
  readonly maxDepth: number;
  readonly maxBytes: number;
}

export const DEFAULT_XML_BUDGET = { nodes: 1_000_000, depth: 128, bytes: 24 * 1024 * 1024 };

export function newXmlBudget(nodes = DEFAULT_XML_BUDGET.nodes, depth = DEFAULT_XML_BUDGET.depth): XmlBudget {
  return { nodesLeft: nodes, maxDepth: depth, maxBytes: DEFAULT_XML_BUDGET.bytes };
}

export interface XmlHandler {
  open(name: string, attributes: ReadonlyMap<string, string>): void;
  close?(): void;
  text?(text: string): void;
}

/** Walks through the file. Throws XmlError when it is not well-formed or goes beyond the budget. */
export function scanXml(bytes: Uint8Array, budget: XmlBudget, handler: XmlHandler): void {
  if (bytes.length > budget.maxBytes) throw new XmlError('xml-too-large');
  const parser = new SaxesParser({ xmlns: false, position: false });
  let depth = 0;
  parser.on('error', (cause) => {
    throw cause instanceof XmlError ? cause : new XmlError('xml-not-well-formed', cause.message, cause);
  });
  parser.on('doctype', () => {
    throw new XmlError('xml-doctype');
  });
  parser.on('opentag', (tag) => {
    budget.nodesLeft -= 1;
    depth += 1;
    if (budget.nodesLeft < 0) throw new XmlError('xml-too-many-elements');
    if (depth > budget.maxDepth) throw new XmlError('xml-too-deep');
    handler.open(localName(tag.name), attributesOf(tag.attributes as Record<string, string>, budget));
  });
  parser.on('closetag', () => {
    depth -= 1;
    handler.close?.();
  });
  if (handler.text) {
    const text = handler.text.bind(handler);
    parser.on('text', text);
    parser.on('cdata', text);
  }
  for (const piece of decodeXml(bytes)) parser.write(piece);
  parser.close();
}

/** Local name of the outermost element, without reading on. Throws XmlError when there is none before the fault. */
export function rootNameOf(bytes: Uint8Array, budget: XmlBudget): string {
  const found = new XmlError('xml-root-found');
  let root = '';
  try {
    scanXml(bytes, budget, {
      open(name) {
        root = name;
        throw found;
      },
    });
  } catch (error) {
    if (error !== found) throw error;
  }
  return root;
}

/** The part after the prefix. */
export function localName(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(colon + 1);
}

function attributesOf(source: Record<string, string>, budget: XmlBudget): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const name of Object.keys(source)) {
    const value = source[name] ?? '';
    budget.nodesLeft -= 1;
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
    const local = localName(name);
    // Two that differ are refused, for readers that go by the local name choose differently.
    const before = attributes.get(local);
    if (before !== undefined && before !== value) throw new XmlError('xml-attribute-twice');
    attributes.set(local, value);
  }
  if (budget.nodesLeft < 0) throw new XmlError('xml-too-many-elements');
  return attributes;
}
