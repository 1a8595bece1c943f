/** propertyInfo of TBS_Sign: which signature description the value was made for. */
import { resolvePath } from './package-path.ts';

/**
 * Whether it names this Signature.xml: a path, or the JSON of GB/T 33481 components with the path in `ofd.Sign` (older:
 * `Entry`). Anything else is free text: `unknown`.
 */
export function propertyInfoNames(propertyInfo: string, entry: string): 'this' | 'other' | 'unknown' {
  const text = propertyInfo.trim();
  const path = text.startsWith('{') ? pathInJson(text) : text;
  if (path === undefined || !/\.xml$/i.test(path)) return 'unknown';
  return resolvePath('', path) === entry ? 'this' : 'other';
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
