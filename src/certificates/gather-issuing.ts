/** Requests that come while others are being issued wait for them and are then issued together: at volume a certificate costs a fraction of a transaction. */
import { Problem } from '#problem.ts';
import type { CertificateDeps } from './certificate-deps.ts';
import type { IssueCertificateInput, IssuedCertificate } from './issue-certificate.ts';

type IssueMany = (deps: CertificateDeps, inputs: readonly IssueCertificateInput[]) => Promise<IssuedCertificate[]>;

interface Waiting {
  deps: CertificateDeps;
  input: IssueCertificateInput;
  done: (issued: IssuedCertificate) => void;
  fail: (error: unknown) => void;
}

const MAX_TOGETHER = 50;
const queues = new WeakMap<CertificateDeps['db'], { waiting: Waiting[]; busy: boolean }>();

/** Issues at the end of this turn of the event loop, or when what is under way is done. What is refused is refused alone; what fails after storing fails together. */
export function gatherIssuing(issueMany: IssueMany, deps: CertificateDeps, input: IssueCertificateInput): Promise<IssuedCertificate> {
  const queue = queues.get(deps.db) ?? { waiting: [], busy: false };
  queues.set(deps.db, queue);
  return new Promise((done, fail) => {
    queue.waiting.push({ deps, input, done, fail });
    if (queue.busy) return;
    queue.busy = true;
    // Whoever asks in the same turn goes along.
    setImmediate(() => void drain(issueMany, queue));
  });
}

async function drain(issueMany: IssueMany, queue: { waiting: Waiting[]; busy: boolean }): Promise<void> {
  for (let first = queue.waiting[0]; first; first = queue.waiting[0]) {
    const { deps } = first;
    const together = queue.waiting.filter((one) => isSame(one.deps, deps)).slice(0, MAX_TOGETHER);
    queue.waiting = queue.waiting.filter((one) => !together.includes(one));
    await issueTogether(issueMany, deps, together);
  }
  queue.busy = false;
}

async function issueTogether(issueMany: IssueMany, deps: CertificateDeps, together: readonly Waiting[]): Promise<void> {
  try {
    const issued = await issueMany(
      deps,
      together.map(({ input }) => input),
    );
    for (const [index, { done }] of together.entries()) done(issued[index] as IssuedCertificate);
  } catch (error) {
    const [only] = together;
    // Refusals come before anything is stored: each is tried by itself, so that one does not refuse its neighbours.
    if (only && together.length > 1 && error instanceof Problem && REFUSALS.includes(error.code)) {
      for (const one of together) await issueTogether(issueMany, deps, [one]);
    } else for (const { fail } of together) fail(error);
  }
}

const REFUSALS: readonly string[] = [
  'invalid-input',
  'certificate-refused',
  'authority-missing',
  'certificate-key-compromised',
  'certificate-key-of-other-kind',
];

function isSame(a: CertificateDeps, b: CertificateDeps): boolean {
  return a.db === b.db && a.keys === b.keys && a.clock === b.clock && a.publicOrigin === b.publicOrigin;
}
