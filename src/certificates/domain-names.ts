/** The host names of a web server: how they are given, and how they stand in its certificate. */
import { isHostName } from '#pki/addresses.ts';
import { faultyField } from '#problem.ts';
import type { CertificateSubject } from './issue-certificate.ts';

/** A server with its www and its languages; more names want more certificates. */
const MAX_NAMES = 10;
/** RFC 5280 Appendix A: ub-common-name. The first name is the common name as well. */
const MAX_COMMON_NAME = 64;

/**
 * Host names in lower case, each once, in the order given. Throws Problem `invalid-input` (/dnsNames) for none, too many, a wildcard
 * (a file proves one host, CA/Browser Forum BR §3.2.2.4.18), an address, or a name without a dot.
 */
export function parseDnsNames(given: readonly string[]): string[] {
  const names = [...new Set(given.map((name) => name.trim().toLowerCase()).filter(Boolean))];
  const wrong = names.find((name) => !isHostName(name) || !name.includes('.'));
  if (wrong !== undefined)
    throw faultyField(
      '/dnsNames',
      `Not a host name: ${wrong.slice(0, 80)}. Wildcards and addresses are not offered.`,
      '域名格式不正确；不支持通配符和 IP 地址。',
    );
  if (names.length === 0 || names.length > MAX_NAMES)
    throw faultyField('/dnsNames', `1 to ${MAX_NAMES} host names are needed.`, `请填写 1 至 ${MAX_NAMES} 个域名。`);
  if ((names[0]?.length ?? 0) > MAX_COMMON_NAME)
    throw faultyField(
      '/dnsNames',
      `The first name may have ${MAX_COMMON_NAME} characters at most.`,
      `首个域名最长 ${MAX_COMMON_NAME} 个字符。`,
    );
  return names;
}

/** What stands in a server's certificate besides its names. */
export function serverSubject({ organisation }: CertificateSubject, dnsNames: readonly string[]): CertificateSubject {
  return { commonName: dnsNames[0] ?? '', ...(organisation ? { organisation } : {}) };
}
