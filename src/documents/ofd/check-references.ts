/** The digests in Signature.xml against the files of the package (GB/T 33190 §18.2.2): uncompressed bytes, nothing canonicalised. */
import { createHash } from 'node:crypto';
import { ZipError } from '#documents/container/zip-error.ts';
import type { OfdPackage } from './ofd-package.ts';
import { percentDecoded, resolvePath } from './package-path.ts';
import type { SignatureDescription } from './signature-description.ts';

/** CheckMethod as OID or name; the two sub-OIDs of SM3 are mistakes that real files make. */
const CHECK_METHODS: Record<string, { hash: string; weak?: boolean; odd?: boolean }> = {
  '1.2.156.10197.1.401': { hash: 'sm3' },
  sm3: { hash: 'sm3' },
  '1.2.156.10197.1.401.1': { hash: 'sm3', odd: true },
  '1.2.156.10197.1.401.2': { hash: 'sm3', odd: true },
  sha256: { hash: 'sha256' },
  'sha-256': { hash: 'sha256' },
  '2.16.840.1.101.3.4.2.1': { hash: 'sha256' },
  sha384: { hash: 'sha384' },
  '2.16.840.1.101.3.4.2.2': { hash: 'sha384' },
  sha512: { hash: 'sha512' },
  '2.16.840.1.101.3.4.2.3': { hash: 'sha512' },
  sha1: { hash: 'sha1', weak: true },
  'sha-1': { hash: 'sha1', weak: true },
  '1.3.14.3.2.26': { hash: 'sha1', weak: true },
  md5: { hash: 'md5', weak: true },
  '1.2.840.113549.2.5': { hash: 'md5', weak: true },
};

export interface ReferenceCheck {
  /** Entries it names. */
  claims: ReadonlySet<string>;
  /** Those of them whose digest is right; the same set when all are. */
  protects: ReadonlySet<string>;
  changed: readonly string[];
  missing: readonly string[];
  /** One path with two different digests. */
  contradictory: boolean;
  /** No digest method we know. */
  unsupported: boolean;
  /** MD5 or SHA-1: others can make a second file with the same digest. */
  weak: boolean;
  warnings: readonly string[];
}

/** Digests of entries, and what came of whole lists of them, found once for all signatures of a package. */
export class EntryDigests {
  /** By method and list: signatures one upon another often repeat a list word for word. */
  readonly checks = new Map<string, ReferenceCheck>();
  readonly #ofd: OfdPackage;
  readonly #known = new Map<string, string | undefined>();

  constructor(ofd: OfdPackage) {
    this.#ofd = ofd;
  }

  /** Base64; undefined when the entry is damaged. */
  of(entry: string, hash: string): string | undefined {
    const key = `${hash}:${entry}`;
    if (this.#known.has(key)) return this.#known.get(key);
    const value = this.#compute(entry, hash);
    this.#known.set(key, value);
    return value;
  }

  #compute(entry: string, hash: string): string | undefined {
    try {
      return createHash(hash).update(this.#ofd.read(entry)).digest('base64');
    } catch (error) {
      if (error instanceof ZipError) return undefined;
      throw error;
    }
  }
}

export function checkReferences(ofd: OfdPackage, description: SignatureDescription, digests: EntryDigests): ReferenceCheck {
  const list = createHash('sha256').update(description.checkMethod);
  for (const { fileRef, checkValue } of description.references) list.update(`\0${fileRef}\0${checkValue}`);
  const key = list.digest('base64');
  const check = digests.checks.get(key) ?? checkList(ofd, description, digests);
  digests.checks.set(key, check);
  return check;
}

function checkList(ofd: OfdPackage, description: SignatureDescription, digests: EntryDigests): ReferenceCheck {
  const method = CHECK_METHODS[description.checkMethod.trim().toLowerCase()];
  const warnings = new Set<string>();
  const protects = new Set<string>();
  const changed: string[] = [];
  const missing: string[] = [];
  const values = new Map<string, string>();
  let contradictory = false;
  if (method?.odd) warnings.add('check-method-odd');
  for (const { fileRef, checkValue } of method ? description.references : []) {
    const entry = entryOf(ofd, fileRef, warnings);
    if (!entry) {
      missing.push(fileRef);
      continue;
    }
    const before = values.get(entry);
    if (before !== undefined) {
      warnings.add('reference-repeated');
      if (before !== checkValue) contradictory = true;
    }
    values.set(entry, checkValue);
    if (method && digests.of(entry, method.hash) === checkValue.replace(/\s+/g, '')) protects.add(entry);
    else changed.push(entry);
  }
  return {
    claims: changed.length === 0 ? protects : new Set([...protects, ...changed]),
    protects,
    changed,
    missing,
    contradictory,
    unsupported: !method,
    weak: method?.weak === true,
    warnings: [...warnings],
  };
}

/** References are absolute paths; case counts; percent escapes are decoded only when the plain name is missing. */
function entryOf(ofd: OfdPackage, fileRef: string, warnings: Set<string>): string | undefined {
  const plain = fileRef.trim();
  if (!plain.startsWith('/')) warnings.add('reference-not-absolute');
  for (const form of [plain, percentDecoded(plain)]) {
    const name = form === undefined ? undefined : resolvePath('', form);
    if (name !== undefined && ofd.archive.has(name)) return name;
  }
  return undefined;
}
