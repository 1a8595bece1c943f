import { expect, test } from 'vitest';
import { contractReport } from '#documents/contract-report.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { ASKED_AT, SealingTown } from '#test/fakes/sample-ofd.ts';

const KEYS = ['file', 'format', 'verdict', 'official', 'reasons', 'signatures', 'licence'];
const town = new SealingTown();

test('a file that is nothing has every key of the contract', () => {
  const { report } = verifyDocument(Buffer.from('hello'), 'a.txt', { anchors: [], at: ASKED_AT });
  expect(Object.keys(contractReport(report))).toEqual(KEYS);
  expect(contractReport(report)).toMatchObject({ verdict: 'malformed', signatures: [], licence: null });
});

test('so has a sealed one, and each of its signatures, with null for what is not known', async () => {
  const { report } = verifyDocument(await town.sealed(), 'a.ofd', town.options);
  const json = contractReport({ ...report, licence: { identifier: 'i', type: 't', status: 's', asOf: 'a', source: 'd' } });
  expect(json).toMatchObject({ verdict: 'genuine', licence: { identifier: 'i' } });
  const keys =
    'index kind form suite verdict signer seal time coverage uncovered changesAfter reasons indication subIndication steps'.split(' ');
  expect(Object.keys(json.signatures[0] ?? {})).toEqual(keys);
  const [first] = report.signatures;
  if (!first) throw new Error('no signature');
  const { signer: _signer, seal: _seal, form: _form, suite: _suite, ...rest } = first;
  expect(contractReport({ ...report, signatures: [rest] }).signatures[0]).toMatchObject({
    form: null,
    suite: null,
    signer: null,
    seal: null,
  });
});
