/**
 * The document security store /DSS with its per-signature part /VRI (EN 319 142-1 §5.4.2.2): an update that adds what is
 * not there yet, keeps what is, and changes nothing else but the catalog.
 */
import { createHash } from 'node:crypto';
import { itemsOf } from './form-fields.ts';
import { type Increment, rewriteDict } from './increment.ts';
import type { PdfView } from './pdf-file.ts';
import { isRef, isStream, type PdfDict, PdfError } from './pdf-values.ts';
import type { ValidationData } from './validation-data.ts';

export interface StoreEntry {
  /** Decoded /Contents with its padding: its SHA-1 names the entry in /VRI. */
  contents: Uint8Array;
  data: ValidationData;
}

const ARRAYS = { certificates: 'Certs', crls: 'CRLs', ocspResponses: 'OCSPs' } as const;
const VRI_KEYS = { certificates: 'Cert', crls: 'CRL', ocspResponses: 'OCSP' } as const;
type Kind = keyof typeof ARRAYS;
const KINDS = Object.keys(ARRAYS) as Kind[];

/** The developer extension under which DSS stands in PDF 1.7 (TS 102 778-4 §A.1; part of PDF 2.0). */
const ESIC = '<</BaseVersion/1.7/ExtensionLevel 1>>';

/** Adds the store to the update. Answers false, and adds nothing, when all of it is in the file already. */
export function putSecurityStore(view: PdfView, increment: Increment, entries: readonly StoreEntry[]): boolean {
  const root = view.trailer.entries.get('Root');
  if (!isRef(root)) throw new PdfError('catalog-missing');
  const { catalog } = view;
  const store = catalog.entries.get('DSS');
  const dss = view.dict(store);
  const changes: Record<string, string | Buffer> = {};
  const references = {} as Record<Kind, (der: Uint8Array) => string>;
  for (const kind of KINDS) {
    const known = knownStreams(view, dss, ARRAYS[kind]);
    const fresh: string[] = [];
    references[kind] = (der) => {
      const name = nameOfStream(der);
      let reference = known.get(name);
      if (!reference) {
        reference = `${putStream(increment, der)} 0 R`;
        known.set(name, reference);
        fresh.push(reference);
      }
      return reference;
    };
    for (const { data } of entries) data[kind].forEach(references[kind]);
    if (fresh.length > 0) changes[ARRAYS[kind]] = `[${[...known.values()].join(' ')}]`;
  }
  if (Object.keys(changes).length === 0) return false;
  changes['VRI'] = validationRelated(view, dss, entries, references);

  const number = isRef(store) && dss ? store.num : increment.allot();
  increment.put(number, dss ? rewriteDict(dss, changes) : rewriteDict(EMPTY, { Type: '/DSS', ...changes }));
  const extensions = extensionsOf(view, catalog);
  if (number !== (isRef(store) ? store.num : undefined) || extensions) {
    increment.put(root.num, rewriteDict(catalog, { DSS: increment.ref(number), ...(extensions ? { Extensions: extensions } : {}) }));
  }
  return true;
}

const EMPTY: PdfDict = { kind: 'dict', entries: new Map(), duplicates: [], source: new Uint8Array(), start: 0, end: 0 };

/** References of the streams an array has, by what they hold, in their order. */
function knownStreams(view: PdfView, dss: PdfDict | undefined, key: string): Map<string, string> {
  const known = new Map<string, string>();
  for (const item of itemsOf(view, dss?.entries.get(key))) {
    const stream = view.resolve(item);
    if (isRef(item) && isStream(stream)) known.set(nameOfStream(view.decode(stream)), `${item.num} ${item.gen} R`);
  }
  return known;
}

function nameOfStream(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64');
}

function putStream(increment: Increment, der: Uint8Array): number {
  const number = increment.allot();
  increment.put(number, `<</Length ${der.length}>>\nstream\n`, der, '\nendstream');
  return number;
}

function validationRelated(
  view: PdfView,
  dss: PdfDict | undefined,
  entries: readonly StoreEntry[],
  references: Record<Kind, (der: Uint8Array) => string>,
): Buffer {
  const changes: Record<string, string> = {};
  for (const { contents, data } of entries) {
    const parts = KINDS.flatMap((kind) => {
      const list = [...new Set(data[kind].map(references[kind]))];
      return list.length > 0 ? [`/${VRI_KEYS[kind]}[${list.join(' ')}]`] : [];
    });
    changes[createHash('sha1').update(contents).digest('hex').toUpperCase()] = `<<${parts.join('')}>>`;
  }
  return rewriteDict(view.dict(dss?.entries.get('VRI')) ?? EMPTY, changes);
}

/** The catalog's /Extensions with ESIC; undefined when it is there already. */
function extensionsOf(view: PdfView, catalog: PdfDict): Buffer | undefined {
  const extensions = view.dict(catalog.entries.get('Extensions'));
  if (extensions?.entries.has('ESIC')) return undefined;
  return rewriteDict(extensions ?? EMPTY, { ESIC });
}
