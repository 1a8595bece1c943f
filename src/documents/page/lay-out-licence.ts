/** From what a licence says to pages in millimetres. */
import { markCopy } from './copy-mark.ts';
import { displayDate, displayValue } from './display-value.ts';
import { drawFilledElement, drawFixedElement, isFixed, type Styles } from './draw-element.ts';
import { LARGE_TYPE_STYLES, largeTypePages } from './large-type.ts';
import type { LicenceData } from './licence-data.ts';
import type { LicenceType } from './licence-type.ts';
import type { PageItem, PageLayout } from './page-layout.ts';
import type { PageTemplate } from './page-template.ts';

export type LayoutVariant = 'standard' | 'large';

/**
 * @param variant `large` is the large-type edition (大字版): A4, one field under the other.
 * @throws Problem `character-not-in-font`, `text-does-not-fit` (with a pointer to the field).
 */
export function layOutLicence(
  type: LicenceType,
  data: LicenceData,
  { variant = 'standard' }: { variant?: LayoutVariant } = {},
): PageLayout[] {
  const textOf = (placeholder: string) => placeholderValue(type, data, placeholder);
  const large = variant === 'large';
  const pages = large ? largeTypePages(type, textOf) : type.pages;
  const styles = large ? LARGE_TYPE_STYLES : type.styles;
  return pages.map((page) => {
    const elements = page.elements.filter((element) => !isFixed(element));
    const filled = elements.flatMap((element) => drawFilledElement(element, styles, data, textOf));
    const layout = { widthMm: page.width, heightMm: page.height, background: backgroundOf(page, styles), items: filled };
    return data.copy ? markCopy(layout, data.copy) : layout;
  });
}

/** The form never changes while the process runs, so it is drawn once. */
const backgrounds = new WeakMap<PageTemplate, readonly PageItem[]>();

function backgroundOf(page: PageTemplate, styles: Styles): readonly PageItem[] {
  let background = backgrounds.get(page);
  if (!background) {
    background = page.elements.filter(isFixed).flatMap((element) => drawFixedElement(element, styles));
    backgrounds.set(page, background);
  }
  return background;
}

/** As it reads on the page; '' when there is nothing to say. */
export function placeholderValue(type: LicenceType, data: LicenceData, placeholder: string): string {
  switch (placeholder) {
    case '@identifier':
      return data.identifier;
    case '@number':
      return data.number;
    case '@holder':
      return data.holder.name;
    case '@holder-identifier':
      return data.holder.identifier;
    case '@issuer':
      return data.issuer.name;
    case '@issued-on':
      return displayDate(data.issuedOn);
    case '@valid-from':
      return data.validFrom ? displayDate(data.validFrom) : '';
    case '@valid-to':
      return data.validTo ? displayDate(data.validTo) : '长期';
    case '@validity':
      return `${displayDate(data.validFrom ?? data.issuedOn)} 至 ${data.validTo ? displayDate(data.validTo) : '长期'}`;
  }
  const field = type.fields.find((candidate) => candidate.key === placeholder);
  const value = data.fields[placeholder];
  return field && value ? displayValue(field, value) : '';
}
