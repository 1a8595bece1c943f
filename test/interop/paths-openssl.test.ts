/**
 * The same chance-made chains before OpenSSL and before us: sound ones, and ones broken in each way that RFC 5280 §6 speaks of.
 * P-256 alone: OpenSSL 3.0 takes the SM2 identity for the leaf's signature only, so that it can check no SM2 intermediate.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { OID } from '#crypto/oids.ts';
import { toPem } from '#pki/pem.ts';
import { CHANCE_TIME, judgeChain, type MadeCase, makeChain } from '../fakes/chance-chains.ts';
import type { RawEntity } from '../fakes/raw-pki.ts';
import { randomFrom } from '../fakes/seeded-random.ts';

const CASES = 400;
const SEED = 20_260_601;
const folder = mkdtempSync(join(tmpdir(), 'paths-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ANY = OID.anyPolicy;

function askOpenssl({ root, intermediates, leaf, crls, input }: MadeCase): { valid: boolean; words: string } {
  const file = (name: string, label: string, ders: readonly Uint8Array[]) => {
    writeFileSync(join(folder, name), ders.map((der) => toPem(label, der)).join(''));
    return join(folder, name);
  };
  const asPem = (name: string, entities: readonly RawEntity[]) =>
    file(
      name,
      'CERTIFICATE',
      entities.map(({ certificate }) => certificate.der),
    );
  const args = ['verify', '-attime', String(CHANCE_TIME.getTime() / 1_000), '-CAfile', asPem('root', [root])];
  if (intermediates.length > 0) args.push('-untrusted', asPem('intermediates', intermediates));
  if (crls.length > 0)
    args.push(
      '-crl_check_all',
      '-extended_crl',
      '-use_deltas',
      '-CRLfile',
      file(
        'crls',
        'X509 CRL',
        crls.map(({ der }) => der),
      ),
    );
  if (input) {
    args.push('-policy_check', ...(input.acceptable ?? [ANY]).flatMap((policy) => ['-policy', policy]));
    if (input.explicit) args.push('-explicit_policy');
    if (input.inhibitMapping) args.push('-inhibit_map');
    if (input.inhibitAnyPolicy) args.push('-inhibit_any');
  }
  const run = spawnSync('openssl', [...args, asPem('leaf', [leaf])], { encoding: 'utf8' });
  return { valid: /leaf: OK/.test(run.stdout), words: run.stderr.replace(/\s+/g, ' ').slice(0, 300) };
}

/**
 * A list that is missing below a self-issued authority, where the older key of the same name signed one that covers the certificate
 * too: RFC 5280 §6.3.3 f lets that count, and OpenSSL 3.0 gives up on the path of the list.
 */
const GIVES_UP = /CRL path validation error/;

test(`${CASES} chains are judged alike by OpenSSL and by us`, { timeout: 240_000 }, () => {
  const random = randomFrom(SEED);
  const differing: string[] = [];
  let givenUp = 0;
  let valid = 0;
  for (let number = 0; number < CASES; number++) {
    const made = makeChain(random);
    const [theirs, ours] = [askOpenssl(made), judgeChain(made)];
    valid += Number(theirs.valid);
    if (theirs.valid === ours.valid) continue;
    if (ours.valid && GIVES_UP.test(theirs.words)) givenUp += 1;
    else differing.push(`${number}: OpenSSL ${theirs.valid} (${theirs.words}), we ${JSON.stringify(ours.findings)}`);
  }
  const alike = CASES - differing.length - givenUp;
  console.log(
    `openssl verify: ${alike} of ${CASES} chains judged alike, ${valid} of them valid; ${givenUp} where OpenSSL gives up on the path of a list`,
  );
  expect(differing).toEqual([]);
  expect(givenUp).toBeLessThan(CASES / 50);
  expect(valid).toBeGreaterThan(CASES / 10);
  expect(valid).toBeLessThan(CASES * 0.9);
});
