/** Mutates DER and CBOR structures, seals and codes: each parser ends in a value or in its own error, and nothing changed passes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseCodeKeys } from '#codes/code-keys.ts';
import { verifyCodeOffline } from '#codes/verify-code-offline.ts';
import { CborError } from '#crypto/cbor.ts';
import { parseSignedData } from '#crypto/cms.ts';
import { parseSign1 } from '#crypto/cose.ts';
import { DerError } from '#crypto/der.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { parseCertificateFile } from '#pki/certificate.ts';
import { parseCrlFile } from '#pki/crl.ts';
import { parseCsr } from '#pki/csr.ts';
import { Problem } from '#problem.ts';
import { makeCsr } from '../fakes/make-csr.ts';
import { testChain, testCrl } from '../fakes/test-authority.ts';
import { type FuzzReport, repeat } from './fuzz-report.ts';
import { mintedForFuzz } from './minted-code.ts';
import { mutateBytes } from './mutate-ofd.ts';

const AT = new Date('2026-06-01T00:00:00Z');

/** Certificates, requests for them, CRLs, CMS and COSE. */
export async function fuzzStructures(options: { runs: number; seed: number }): Promise<FuzzReport> {
  const { issuing, leaf } = testChain('es256');
  const crl = testCrl(issuing, [{ serialHex: '4bbb', revokedAt: AT, reason: 'superseded' as const }]).der;
  const { bytes: code } = mintedForFuzz();
  const parsers: [Uint8Array, (bytes: Uint8Array) => unknown][] = [
    [leaf.certificate.der, parseCertificateFile],
    [crl, parseCrlFile],
    [makeCsr({ dnsName: 'a.example.cn', challengePassword: '123456' }).der, parseCsr],
    [leaf.certificate.der, parseSignedData],
    [code, parseSign1],
  ];
  return repeat(options, (random) => {
    const [seed, parse] = parsers[random(parsers.length)] ?? [code, parseSign1];
    try {
      parse(mutateBytes(seed, random));
      return 'read';
    } catch (error) {
      if (error instanceof DerError || error instanceof CborError || error instanceof Problem) return 'refused';
      throw error;
    }
  });
}

/** A seal file with a byte changed is never genuine. */
export async function fuzzSeals(options: { runs: number; seed: number }): Promise<FuzzReport> {
  const original = readFileSync(fileURLToPath(new URL('../vectors/ofd/generated/seal_v4.esl', import.meta.url)));
  const anchor = parseCertificateFile(readFileSync(fileURLToPath(new URL('../vectors/ofd/generated/ca_cert.pem', import.meta.url))));
  return repeat(options, (random) => {
    const mutant = mutateBytes(original, random);
    const { verdict } = verifyDocument(mutant, 'seal.esl', { anchors: [anchor], at: new Date() }).report;
    if (verdict === 'genuine' && Buffer.compare(mutant, original) !== 0) throw new Error('genuine although its bytes changed');
    return verdict;
  });
}

/** Digits of a code, some changed, cut or put in: `valid` only for the very same number. */
export async function fuzzCodes(options: { runs: number; seed: number }): Promise<FuzzReport> {
  const { digits, keys, at } = mintedForFuzz();
  const set = parseCodeKeys(keys);
  return repeat(options, (random) => {
    const mutant =
      random(2) === 0 ? changeDigits(digits, random) : Buffer.from(mutateBytes(Buffer.from(digits), random)).toString('latin1');
    const { verdict } = verifyCodeOffline({ digits: mutant, keys: set, at });
    if (verdict === 'valid' && mutant.replace(/\D/g, '') !== digits) throw new Error(`valid although it reads ${mutant}`);
    return verdict;
  });
}

/** One to three digits made others: still a number of the right length, as after a scanner's misreading. */
function changeDigits(digits: string, random: (below: number) => number): string {
  const changed = [...digits];
  for (let count = 1 + random(3); count > 0; count--) changed[random(changed.length)] = String(random(10));
  return changed.join('');
}
