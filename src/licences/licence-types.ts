/** Licence types as codes and verifiers know them: the templates' types with the one-byte number that stands in a code. */
import type { CodeLicenceType } from '#codes/code-keys.ts';
import { findLicenceType, type LicenceType, listLicenceTypes } from '#documents/page/licence-type.ts';
import { Problem } from '#problem.ts';

/** Numbers in codes, for ever: a number given once is never given to another type. */
const CODE_NUMBERS: Readonly<Record<string, number>> = {
  'business-licence': 1,
  'residence-permit': 2,
  'driving-licence': 3,
};

/** Throws Problem `licence-type-not-found`. @param codeOrSlug the 21-character code, or our short name. */
export function requireLicenceType(codeOrSlug: string): LicenceType {
  const type = findLicenceType(codeOrSlug);
  if (!type) throw new Problem('licence-type-not-found');
  return type;
}

/** The number in a code; undefined for a type that has none yet and so cannot be shown by code. */
export function codeNumberOf(type: LicenceType): number | undefined {
  return CODE_NUMBERS[type.slug];
}

/** What `code-keys.json` says about types. */
export function codeLicenceTypes(): CodeLicenceType[] {
  return listLicenceTypes().flatMap((type) => {
    const number = codeNumberOf(type);
    return number === undefined
      ? []
      : [{ number, code: type.code, name: type.name.zh, nameEn: type.name.en, maxStatusAgeSeconds: type.statusMaxAgeSeconds }];
  });
}
