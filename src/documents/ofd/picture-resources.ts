/** What a page refers to by number: fonts, pictures, drawing parameters, colour spaces, composite units (GB/T 33190 §7.9). */
import type { XmlElement } from '#documents/xml/read-xml.ts';
import type { OfdPackage } from './ofd-package.ts';
import { directoryOf, withoutTrailingSlashes } from './package-path.ts';

export interface FontEntry {
  name: string;
  bold: boolean;
  /** Entry of the embedded file, if there is one. */
  file: string | undefined;
}

export class PictureResources {
  readonly fonts = new Map<string, FontEntry>();
  /** Entry names. */
  readonly media = new Map<string, string>();
  readonly drawParams = new Map<string, XmlElement>();
  readonly colourSpaces = new Map<string, string>();
  readonly composites = new Map<string, XmlElement>();

  /** Reads one Res file; what is faulty in it is left out. Throws ZipError or XmlError when it cannot be read at all. */
  add(ofd: OfdPackage, entry: string): void {
    const root = ofd.tree(entry);
    const own = directoryOf(entry);
    const base = root.attribute('BaseLoc');
    // BaseLoc names a folder, which is no entry of its own.
    const folder = base === undefined ? own : base.startsWith('/') ? base.slice(1) : own === '' ? base : `${own}/${base}`;
    const find = (loc: string | undefined) => ofd.find(loc, withoutTrailingSlashes(folder), own);
    for (const group of root.children) {
      for (const item of group.children) {
        const id = item.attribute('ID');
        if (id) this.#addItem(id, item, find);
      }
    }
  }

  #addItem(id: string, item: XmlElement, find: (loc: string | undefined) => string | undefined): void {
    if (item.name === 'Font') {
      const name = `${item.attribute('FontName') ?? ''} ${item.attribute('FamilyName') ?? ''}`;
      this.fonts.set(id, { name, bold: item.attribute('Bold') === 'true', file: find(item.textOf('FontFile')) });
    } else if (item.name === 'MultiMedia') {
      const file = find(item.textOf('MediaFile'));
      if (file) this.media.set(id, file);
    } else if (item.name === 'DrawParam') this.drawParams.set(id, item);
    else if (item.name === 'ColorSpace') this.colourSpaces.set(id, item.attribute('Type')?.toUpperCase() ?? 'RGB');
    else if (item.name === 'CompositeGraphicUnit' || item.name === 'VectorG') this.composites.set(id, item);
  }
}
