/** Published OCSP responses with known outcomes: OpenSSL's suite, and one chain at three dates. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Certificate, isIssuedBy, parseCertificateFile } from '#pki/certificate.ts';
import { judgeOcsp, type OcspJudgement } from '#pki/ocsp-judge.ts';
import { type BasicOcspResponse, parseOcspResponse } from '#pki/ocsp-response.ts';

const vectors = join(import.meta.dirname, '../../vectors/ocsp');
interface Case {
  name: string;
  root: string;
  other_certs?: string[];
  cert: string;
  ocsps?: string[];
  moment: string;
  error?: { class: string; msg_regex: string };
}
const cases = JSON.parse(readFileSync(join(vectors, 'openssl/openssl-ocsp.json'), 'utf8')) as Case[];
const certificate = (...path: string[]) => parseCertificateFile(readFileSync(join(vectors, ...path)));

/** The files of OpenSSL are base64 text, those of the other set DER. */
function response(...path: string[]): BasicOcspResponse {
  const bytes = readFileSync(join(vectors, ...path));
  const parsed = parseOcspResponse(bytes[0] === 0x30 ? bytes : Buffer.from(bytes.toString('latin1'), 'base64'));
  if (parsed.status !== 'successful') throw new Error(`refused with ${parsed.code}`);
  return parsed.basic;
}

/** What is known of the certificates below the root, from the leaf up, as many as the case brings responses for. */
function judgeAll(item: Case, acceptWeak = true): OcspJudgement[] {
  const root = certificate('openssl', item.root);
  const others = (item.other_certs ?? []).map((name) => certificate('openssl', name));
  const responses = (item.ocsps ?? []).map((name) => response('openssl', name));
  const judgements: OcspJudgement[] = [];
  for (let child: Certificate = certificate('openssl', item.cert); judgements.length < responses.length; ) {
    const issuer = [...others, root].find((candidate) => candidate.fingerprint !== child.fingerprint && isIssuedBy(child, candidate));
    if (!issuer) throw new Error('chain does not close');
    judgements.push(judgeOcsp({ certificate: child, issuer, responses, at: new Date(item.moment), acceptWeak }));
    child = issuer;
  }
  return judgements;
}

describe('responses of the OpenSSL suite', () => {
  test('all 29 cases are there', () => expect(cases).toHaveLength(29));

  test.each(cases.map((item) => [item.name, item] as const))('%s', (_name, item) => {
    let outcome: string;
    try {
      const judgements = judgeAll(item);
      outcome = judgements.every(({ revocation }) => revocation.status === 'good') ? 'good' : 'not good';
    } catch (error) {
      // Issuers whose name or key was exchanged do not even make a chain.
      outcome = (error as Error).message === 'chain does not close' ? 'not good' : `thrown: ${error}`;
    }
    expect(outcome).toBe(item.error ? 'not good' : 'good');
  });

  test('signed with SHA-1 as they are, none says good unless that is asked for', () => {
    const [item] = cases.filter(({ error, name }) => !error && name === 'direct_success');
    expect(item && judgeAll(item, false)).toEqual([{ revocation: { status: 'unknown' }, faults: ['weak-algorithm'] }]);
  });

  test('every response file can be read', () => {
    const files = readdirSync(join(vectors, 'openssl')).filter((name) => name.endsWith('.ors'));
    expect(files.map((name) => response('openssl', name).answers.length).every((count) => count === 1)).toBe(true);
  });
});

describe('one certificate at three dates', () => {
  const alice = certificate('freshness/certs/alice.crt');
  const issuer = certificate('freshness/certs/interm.crt');
  const judge = (file: string, at: string) =>
    judgeOcsp({ certificate: alice, issuer, responses: [response('freshness', file)], at: new Date(at) });

  test.each(['2020-10-01', '2020-11-29'])('the answer of %s is good when it was made', (day) => {
    const made = response('freshness', `alice-${day}.ors`).producedAt;
    expect(judge(`alice-${day}.ors`, made.toISOString())).toEqual({
      revocation: { status: 'good', asOf: expect.any(Date) },
      faults: [],
    });
  });

  test('the answer of 2020-12-10 says revoked, with time and reason', () => {
    expect(judge('alice-2020-12-10.ors', '2020-12-10T00:05:00Z').revocation).toEqual({
      status: 'revoked',
      revokedAt: new Date('2020-12-01T00:00:00Z'),
      reason: 'key-compromise',
      asOf: new Date('2020-12-10T00:00:00Z'),
    });
  });

  test('an old answer is stale later and nothing is known', () => {
    expect(judge('alice-2020-10-01.ors', '2020-12-10T00:00:00Z')).toEqual({ revocation: { status: 'unknown' }, faults: ['stale'] });
  });

  test('an answer made later says nothing about before', () => {
    expect(judge('alice-2020-12-10.ors', '2020-10-01T00:00:00Z').faults).toEqual(['not-yet-valid']);
  });
});
