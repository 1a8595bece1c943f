/** The number by which somebody else's certificate names a citizen, read where the trust list says that its authority puts it. */
import { context, DerError, parseDer } from '#crypto/der.ts';
import { OID } from '#crypto/oids.ts';
import { normaliseCitizenNumber } from '#people/citizen-number.ts';
import type { Certificate } from '#pki/certificate.ts';
import type { ListedSignIn } from './trust-list-format.ts';

/** GM/T 0015-2012 and, below it, the arc that the edition of 2023 gives to the number of a resident. */
const IDENTIFY_CODES: readonly string[] = [OID.gmIdentifyCode, `${OID.gmIdentifyCode}.1`];
const NUMBER = /^\d{17}[\dXx]$/;

/**
 * Undefined when it is not there, stands there twice, has something else around it, or is no citizen number: nothing is searched for
 * in longer text, since a number in the middle of one may be anybody's.
 */
export function holderNumber(certificate: Certificate, { number: place }: ListedSignIn): string | undefined {
  const found = textsAt(certificate, place);
  const [text] = found;
  if (text === undefined || found.length > 1) return undefined;
  const prefix = place.in === 'identify-code' ? '' : (place.prefix ?? '');
  const bare = text.startsWith(prefix) ? text.slice(prefix.length) : '';
  return NUMBER.test(bare) ? normaliseCitizenNumber(bare) : undefined;
}

function textsAt({ subject, extensions }: Certificate, place: ListedSignIn['number']): string[] {
  if (place.in === 'subject') return subject.attributes.filter(({ oid }) => oid === place.oid).map(({ value }) => value);
  const oids = place.in === 'extension' ? [place.oid] : IDENTIFY_CODES;
  return oids.flatMap((oid) => {
    const value = extensions.get(oid)?.value;
    const text = value && textOf(value, place.in === 'identify-code');
    return text === undefined ? [] : [text];
  });
}

/** A DER string, or bare characters, as some authorities write; of the CHOICE identifyCode also `[0]`, tagged either way. */
function textOf(value: Uint8Array, isChoice: boolean): string | undefined {
  const bare = Buffer.from(value).toString('latin1');
  if (NUMBER.test(bare)) return bare;
  try {
    const element = parseDer(value, { maxElements: 4, maxDepth: 3 });
    if (isChoice && element.tag === context(0, false)) return Buffer.from(element.content).toString('latin1');
    return (isChoice && element.tag === context(0) ? element.inner() : element).asText();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
