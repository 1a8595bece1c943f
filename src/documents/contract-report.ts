/** A report as JSON for programs: of `tongren verify --json` and of the API. */
import type { FileVerdict, SignatureReport } from './verdict.ts';

/** Every key in the contract's order, null where nothing is known: a program need not ask which keys there are. */
export function contractReport(report: FileVerdict) {
  const { file, format, verdict, official, reasons, signatures, licence } = report;
  return {
    file: file ?? null,
    format,
    verdict,
    official,
    reasons,
    signatures: signatures.map(contractSignature),
    licence: licence ?? null,
  };
}

function contractSignature(signature: SignatureReport) {
  const { index, kind, form, suite, verdict, signer, seal, time, coverage, uncovered, changesAfter, reasons } = signature;
  const { indication, subIndication, steps } = signature;
  return {
    index,
    kind,
    form: form ?? null,
    suite: suite ?? null,
    verdict,
    signer: signer ?? null,
    seal: seal ?? null,
    time,
    coverage,
    uncovered,
    changesAfter,
    reasons,
    indication: indication ?? null,
    subIndication: subIndication ?? null,
    steps: steps ?? [],
  };
}
