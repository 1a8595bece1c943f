/**
 * Damaged extensions, lists and answers under good signatures, so that the damage reaches the innermost rules: every question ends
 * in an answer, within its budget.
 */
import { expect, test } from 'vitest';
import { signMessage } from '#crypto/suite.ts';
import { DEFAULT_WORK } from '#pki/build-chains.ts';
import { encodeCertId, issuerHashes } from '#pki/ocsp-cert-id.ts';
import { assembleOcspResponse, encodeResponseData } from '#pki/ocsp-encode-response.ts';
import { parseOcspResponse } from '#pki/ocsp-response.ts';
import { reportOfPath } from '#pki/path-report.ts';
import { type PathQuestion, validatePath } from '#pki/validate-path.ts';
import { damagedChain, damagedStatus } from '../../fakes/damaged-paths.ts';
import { rawAuthority, rawCertificate } from '../../fakes/raw-pki.ts';
import { randomFrom } from '../../fakes/seeded-random.ts';

const RUNS = 1_500;
const at = new Date('2026-06-01T08:00:00Z');
const root = rawAuthority(undefined, { subject: 'root' });

function expectAnswer(question: PathQuestion): boolean {
  const result = validatePath(question);
  expect(result.spent.signatures).toBeLessThanOrEqual(DEFAULT_WORK.signatures + 1);
  expect(result.findings.every(({ index }) => result.path[index] !== undefined)).toBe(true);
  expect(JSON.stringify(reportOfPath(result))).toContain(result.valid ? '"valid"' : '"invalid"');
  return result.valid;
}

test(`${RUNS} chains with damaged extensions`, () => {
  const random = randomFrom(7);
  const questions = Array.from({ length: RUNS }, () => damagedChain(random)).filter((question) => question !== undefined);
  const valid = questions.filter(expectAnswer).length;
  expect(questions.length).toBeGreaterThan(RUNS / 4);
  expect(valid).toBeGreaterThan(0);
  expect(valid).toBeLessThan(RUNS / 2);
});

test(`${RUNS} questions with damaged lists and answers`, () => {
  const random = randomFrom(8);
  let read = 0;
  for (let run = 0; run < RUNS; run++) {
    const question = damagedStatus(random);
    read += (question.crls?.length ?? 0) - 1 + (question.ocspResponses?.length ?? 0);
    expectAnswer(question);
  }
  expect(read).toBeGreaterThan(RUNS / 4);
});

test('an answer whose responder has a key that is none does not stop the question', () => {
  const middle = rawAuthority(root, { subject: 'middle' });
  const leaf = rawCertificate(middle, { subject: 'leaf' });
  const certId = encodeCertId(issuerHashes(middle.certificate, 'sha1'), 'sha1', leaf.certificate.serialBytes);
  const data = encodeResponseData({
    responderSpki: middle.certificate.spki,
    producedAt: at,
    answers: [{ certId, status: { status: 'good' }, thisUpdate: at, nextUpdate: new Date('2026-06-02T00:00:00Z') }],
  });
  const broken = Buffer.from(middle.certificate.der);
  const key = broken.indexOf(Buffer.from('034200', 'hex'));
  broken[key] = 0x04;
  const answer = parseOcspResponse(assembleOcspResponse(data, 'es256', signMessage(middle.key, data), [broken]));
  if (answer.status !== 'successful') throw new Error('refused');
  const question = { leaf: leaf.certificate, intermediates: [middle.certificate], anchors: [root.certificate], at };
  expect(validatePath({ ...question, ocspResponses: [answer.basic] }).revocation).toEqual({ status: 'good', asOf: at });
});
