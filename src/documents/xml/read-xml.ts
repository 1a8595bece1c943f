/** A small tree of an XML file: local names, attributes, text. For files of some hundred elements, not for pages. */
import { newXmlBudget, scanXml, type XmlBudget } from './scan-xml.ts';

export class XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[] = [];
  text = '';

  constructor(name: string, attributes: ReadonlyMap<string, string>) {
    this.name = name;
    this.attributes = attributes;
  }

  /** The first child of this local name. */
  child(name: string): XmlElement | undefined {
    return this.children.find((child) => child.name === name);
  }

  childrenOf(name: string): XmlElement[] {
    return this.children.filter((child) => child.name === name);
  }

  /** At any depth, in the order in which they begin: some readers take every element of a name. */
  descendantsOf(name: string, found: XmlElement[] = []): XmlElement[] {
    for (const child of this.children) {
      if (child.name === name) found.push(child);
      child.descendantsOf(name, found);
    }
    return found;
  }

  /** The first element found by following the names downwards. */
  path(...names: readonly string[]): XmlElement | undefined {
    let at: XmlElement | undefined = this;
    for (const name of names) at = at?.child(name);
    return at;
  }

  /** The attribute without surrounding blanks, if it is there and not empty. */
  attribute(name: string): string | undefined {
    return this.attributes.get(name)?.trim() || undefined;
  }

  /** Text of the named child without surrounding blanks, if it is there and not empty. */
  textOf(name: string): string | undefined {
    return this.child(name)?.text.trim() || undefined;
  }
}

/**
 * The root element. Throws XmlError.
 * @param isTaken asked of each element when it has ended, its content inside; what is taken is left out of the tree. For long lists.
 */
export function readXml(
  bytes: Uint8Array,
  budget: XmlBudget = newXmlBudget(),
  isTaken?: (element: XmlElement, parents: readonly XmlElement[]) => boolean,
): XmlElement {
  const root = new XmlElement('', new Map());
  const stack: XmlElement[] = [root];
  scanXml(bytes, budget, {
    open(name, attributes) {
      const element = new XmlElement(name, attributes);
      stack.at(-1)?.children.push(element);
      stack.push(element);
    },
    close() {
      const element = stack.pop();
      if (element && isTaken?.(element, stack)) stack.at(-1)?.children.pop();
    },
    text(text) {
      const top = stack.at(-1);
      if (top) top.text += text;
    },
  });
  // A well-formed file has exactly one root; saxes has already refused the others.
  return root.children[0] ?? root;
}
