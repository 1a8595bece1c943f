/** ExtensionDatas of seals and signatures (GB/T 38540). */
import { type DerElement, DerError, TAG } from '#crypto/der.ts';
import type { ExtensionData } from './seal.ts';

const MAX_EXTENSIONS = 200;

/** Reads SEQUENCE OF ExtData; `critical` may be left out or written as FALSE. Throws DerError. */
export function readExtensionDatas(element: DerElement): ExtensionData[] {
  const items = element.expect(TAG.sequence).children;
  if (items.length > MAX_EXTENSIONS) throw new DerError('too many extensions');
  return items.map((item) => {
    const parts = item.expect(TAG.sequence).children;
    const critical = parts.length === 3 ? item.at(1).asBoolean() : false;
    return { oid: item.at(0).asOid(), critical, value: item.at(parts.length - 1).asOctets() };
  });
}
