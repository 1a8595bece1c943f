/** propertyInfo of TBS_Sign: which signature description the value was made for. */
import { directoryOf, resolvePath } from './package-path.ts';

/**
 * Whether it names this Signature.xml: a path, or the JSON of GB/T 33481 components with the path in `ofd.Sign` (older:
 * `Entry`). `other` only for a description of another place; any other text is free: `unknown`.
 */
export function propertyInfoNames(propertyInfo: string, entry: string): 'this' | 'other' | 'unknown' {
  const text = propertyInfo.trim();
  const path = text.startsWith('{') ? pathInJson(text) : text;
  if (path === undefined) return 'unknown';
  const places = [resolvePath('', path), resolvePath(directoryOf(entry), path)].map((place) => place?.toLowerCase());
  if (places.includes(entry.toLowerCase())) return 'this';
  return baseName(path) === baseName(entry) ? 'other' : 'unknown';
}

function baseName(path: string): string | undefined {
  return path.toLowerCase().split('/').at(-1);
}

function pathInJson(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const record = value as Record<string, unknown>;
    const path = record['ofd.Sign'] ?? record['Entry'];
    return typeof path === 'string' ? path : undefined;
  } catch {
    return undefined;
  }
}
