/**
 * What an app can learn about a person, in the words the person reads. A new claim: one line in CLAIMS, its scope in
 * SCOPE_CLAIMS, its value in `find-account.ts`.
 */
export interface ClaimText {
  zh: string;
  en: string;
  /** Sensitive personal information (PIPL 28–29): agreed to separately, on a screen of its own. */
  sensitive?: true;
  /** Travels with another claim and is not asked for by itself. */
  with?: string;
}

export const CLAIMS = {
  name: { zh: '姓名', en: 'Your name' },
  phone_number: { zh: '手机号码', en: 'Your mobile number' },
  phone_number_verified: { zh: '手机号码是否已验证', en: 'Whether the mobile number is verified', with: 'phone_number' },
  citizen_number_masked: { zh: '身份证号（隐去中间部分）', en: 'Your citizen number, middle part hidden' },
  assurance_level: { zh: '实名认证等级', en: 'How well your identity is proven (level 1 to 5)' },
  citizen_number: { zh: '身份证号（完整）', en: 'Your whole citizen number', sensitive: true },
  organisations: { zh: '任职单位、统一社会信用代码和岗位', en: 'The organisations you act for, their codes and your roles' },
} as const satisfies Record<string, ClaimText>;

export type ClaimName = keyof typeof CLAIMS;

/** Scope → claims (OpenID Connect Core §5.4 for profile and phone; the rest is ours). */
export const SCOPE_CLAIMS: Readonly<Record<string, readonly ClaimName[]>> = {
  openid: [],
  profile: ['name'],
  phone: ['phone_number', 'phone_number_verified'],
  identity: ['citizen_number_masked', 'assurance_level'],
  citizen_number: ['citizen_number'],
  organisations: ['organisations'],
  offline_access: [],
};

export const SCOPES = Object.keys(SCOPE_CLAIMS);

export function isClaimName(text: string): text is ClaimName {
  return Object.hasOwn(CLAIMS, text);
}

export function claimText(name: ClaimName): ClaimText {
  return CLAIMS[name];
}

export function isSensitive(name: ClaimName): boolean {
  return claimText(name).sensitive === true;
}

/** A scope is sensitive when one of its claims is: such a scope is never granted without asking. */
export function isSensitiveScope(scope: string): boolean {
  return (SCOPE_CLAIMS[scope] ?? []).some(isSensitive);
}

/** The claims the scopes stand for, without repetition, in catalogue order. */
export function claimsOfScopes(scopes: Iterable<string>): ClaimName[] {
  const wanted = new Set([...scopes].flatMap((scope) => SCOPE_CLAIMS[scope] ?? []));
  return (Object.keys(CLAIMS) as ClaimName[]).filter((name) => wanted.has(name));
}

/** The claim itself and those that travel with it. */
export function withCompanions(name: string): string[] {
  return [name, ...(Object.keys(CLAIMS) as ClaimName[]).filter((other) => claimText(other).with === name)];
}
