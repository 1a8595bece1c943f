/**
 * The signatures along a path. Results are remembered across questions: a signature over the same bytes by the same key is
 * good for ever, and the same authorities stand above nearly every document that is verified.
 */
import { dsaParameters, isDsaSignature, verifyDsa } from '#crypto/verify-dsa.ts';
import { type Certificate, checkSignature } from './certificate.ts';
import { type Crl, isCrlSignedBy } from './crl.ts';

export type SignatureResult = ReturnType<typeof checkSignature>;

export interface ChainSignatures {
  check(child: Certificate, parent: Certificate): SignatureResult;
  /** Checks what could not be checked before the whole path was known. */
  settle(path: readonly Certificate[]): boolean;
}

/** Results kept; some hundred bytes each. The oldest goes first. */
const MAX_REMEMBERED = 4_096;
const remembered = new Map<string, SignatureResult>();

function checkOnce(child: Certificate, parent: Certificate): SignatureResult {
  const key = `${child.fingerprint}<${parent.fingerprint}`;
  const known = remembered.get(key);
  if (known) return known;
  const result = checkSignature(child, parent);
  if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value as string);
  remembered.set(key, result);
  return result;
}

const MODERN: ChainSignatures = { check: checkOnce, settle: () => true };

/**
 * DSA too. A key that inherits its parameters can be used only once the path above it is known (§6.1.4 d and e): with those of
 * another path, anybody could forge.
 */
const LEGACY: ChainSignatures = {
  check(child, parent) {
    if (!isDsaSignature(child.signatureOid)) return checkOnce(child, parent);
    const parameters = dsaParameters(parent.spki);
    if (!parameters) return dsaParameters(parent.spki, new Uint8Array()) ? 'good' : 'unsupported';
    return verifyDsa(parent.spki, parameters, child.signatureOid, child.tbs, child.signature) ? 'good' : 'bad';
  },
  settle(path) {
    const parameters = inheritedParameters(path);
    return path.slice(0, -1).every((child, index) => {
      if (!isDsaSignature(child.signatureOid)) return true;
      const [parent, own] = [path[index + 1] as Certificate, parameters[index + 1]];
      return own !== undefined && verifyDsa(parent.spki, own, child.signatureOid, child.tbs, child.signature);
    });
  },
};

export function chainSignatures(acceptWeak: boolean): ChainSignatures {
  return acceptWeak ? LEGACY : MODERN;
}

/** The working parameters of each key of the path, leaf first. */
function inheritedParameters(path: readonly Certificate[]): (Uint8Array | undefined)[] {
  const parameters: (Uint8Array | undefined)[] = [];
  let working: Uint8Array | undefined;
  for (const { spki } of [...path].reverse()) {
    working = dsaParameters(spki, working);
    parameters.unshift(working);
  }
  return parameters;
}

const rememberedLists = new WeakMap<Crl, Map<string, boolean>>();

/**
 * Checks signatures of lists, each pair of list and signer once as long as the list is in memory.
 * @param path where a DSA key finds the parameters it inherits; only with `acceptWeak`.
 * @param spend is asked before each piece of work, with the bytes to be hashed; false when there is none left.
 */
export function listSignatures(
  path: readonly Certificate[],
  acceptWeak: boolean,
  spend: (bytes: number) => boolean,
): (crl: Crl, signer: Certificate) => boolean {
  return (crl, signer) => {
    const known = rememberedLists.get(crl) ?? new Map<string, boolean>();
    rememberedLists.set(crl, known);
    const before = known.get(signer.fingerprint);
    if (before !== undefined) return before;
    if (!spend(crl.tbs.length)) return false;
    if (acceptWeak && isDsaSignature(crl.signatureOid)) {
      const place = path.indexOf(signer);
      const parameters = place < 0 ? dsaParameters(signer.spki) : inheritedParameters(path)[place];
      return parameters !== undefined && verifyDsa(signer.spki, parameters, crl.signatureOid, crl.tbs, crl.signature);
    }
    const result = isCrlSignedBy(crl, signer);
    known.set(signer.fingerprint, result);
    return result;
  };
}
