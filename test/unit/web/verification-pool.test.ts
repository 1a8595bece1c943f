import { afterAll, describe, expect, test } from 'vitest';
import { rawFromDerSignature, signMessage } from '#crypto/suite.ts';
import { signPdf } from '#documents/pdf/sign-pdf.ts';
import { prepareHeldSignature } from '#documents/pdf/sign-with-held-key.ts';
import { Problem } from '#problem.ts';
import { DocumentAuthority } from '#test/fakes/document-authority.ts';
import { samplePdf } from '#test/fakes/sample-pdf.ts';
import { slots } from '#web/verification/slots.ts';
import { verificationPool } from '#web/verification/verification-pool.ts';

const TRUST = { anchors: [], intermediates: [], crls: [], listed: [] };
const task = (bytes: Uint8Array) => ({ bytes, name: 'x', at: new Date('2026-06-01T08:00:00Z'), trust: TRUST, withPictures: true });

describe('threads for files from outside', () => {
  const pool = verificationPool({ threads: 1, queue: 1 });
  afterAll(() => pool.close());

  test('judge what they are given', async () => {
    const { report, pictures } = await pool.verify(task(new TextEncoder().encode('hello')));
    expect(report).toMatchObject({ format: 'unknown', official: false });
    expect(pictures).toEqual([]);
  });

  test('beyond those at work and waiting, the next is told to come back', async () => {
    const work = [1, 2, 3].map(() =>
      pool.verify(task(new Uint8Array(10))).then(
        () => 'answered',
        (error: { code: string }) => error.code,
      ),
    );
    expect(await Promise.all(work)).toEqual(['answered', 'answered', 'unavailable']);
  });

  test('a picture that cannot be made is refused, and the thread works on', async () => {
    await expect(pool.picture({ bytes: new Uint8Array(10), format: 'pdf', page: 0, dpi: 96 })).rejects.toMatchObject({
      code: 'picture-not-possible',
    });
    expect((await pool.verify(task(new Uint8Array()))).report.verdict).toBe('malformed');
  });
});

test('a file that outlasts its time costs its thread, and the next one is served', async () => {
  const hasty = verificationPool({ threads: 1, timeoutMs: 1 });
  await expect(hasty.verify(task(new Uint8Array(10)))).rejects.toMatchObject({ code: 'file-too-costly' });
  await expect(hasty.verify(task(new Uint8Array(10)))).rejects.toMatchObject({ code: 'file-too-costly' });
  await hasty.close();
});

const holder = new DocumentAuthority({ suite: 'es256' }).issue('document-signer');
const signing = {
  certificates: [holder.certificate.der],
  suite: 'es256' as const,
  signedAt: new Date('2026-06-01T08:00:00Z'),
  fieldName: 'Personal-1',
};

describe('a PDF to be signed by its holder’s key', () => {
  const pool = verificationPool({ threads: 1 });
  afterAll(() => pool.close());

  test('is prepared in a thread: the same bytes as by this one', async () => {
    const { toBeSigned } = await pool.prepareSignature({ bytes: samplePdf(), signing });
    expect(Buffer.from(toBeSigned)).toEqual(Buffer.from(await prepareHeldSignature(samplePdf(), signing)));
  });

  test('what is refused there comes back as the problem it is, in both languages, and the thread works on', async () => {
    const certified = await signPdf(samplePdf(), {
      ...{ ...signing, fieldName: 'First', certification: 1 },
      sign: async (bytes) => signMessage(holder.key, bytes),
    });
    const refusal = await pool.prepareSignature({ bytes: certified, signing }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Problem);
    expect(refusal).toMatchObject({ code: 'pdf-not-signable', detailZh: expect.stringContaining('不允许任何更改') });
    expect((await pool.verify(task(new Uint8Array()))).report.verdict).toBe('malformed');
  });

  test('what its holder sends back is finished with answers from here; without them it stays as it is', async () => {
    const authority = new DocumentAuthority({ suite: 'es256' });
    const { certificate, key } = authority.issue('document-signer');
    const own = { ...signing, certificates: [certificate.der, authority.root.certificate.der] };
    const { toBeSigned } = await pool.prepareSignature({ bytes: samplePdf(), signing: own });
    const signature = rawFromDerSignature(signMessage(key, toBeSigned));
    const trust = { ...TRUST, anchors: [authority.root.certificate.der] };
    const asked: string[] = [];
    const finished = await pool.finishSignature(
      { bytes: samplePdf(), signing: own, signature, trust, at: signing.signedAt },
      ({ about }) => {
        asked.push(about);
        return Promise.reject(new Problem('signer-unavailable'));
      },
    );
    expect([finished.level, finished.because, new Set(asked)]).toEqual(['b', 'signer-unavailable', new Set(['timestamp'])]);
    const broken = pool.finishSignature({ bytes: samplePdf(), signing: own, signature, trust, at: signing.signedAt }, () =>
      Promise.reject(new TypeError('a fault of ours')),
    );
    await expect(broken).rejects.toThrow('a fault of ours');
  });
});

test.each([
  ['time', { timeoutMs: 1 }],
  ['memory', { heapMb: 8 }],
])('preparing beyond its %s is told as a problem, and ends the thread', async (_what, limits) => {
  const pool = verificationPool({ threads: 1, ...limits });
  const refusal = await pool.prepareSignature({ bytes: samplePdf({ pages: 20_000 }), signing }).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Problem);
  expect(refusal).toMatchObject({ code: 'file-too-costly', status: 422 });
  await pool.close();
});

test('slots are given back, also by work that fails', async () => {
  const inSlot = slots(1);
  let finish: () => void = () => {};
  const first = inSlot(
    () =>
      new Promise<void>((resolve) => {
        finish = resolve;
      }),
  );
  await expect(inSlot(async () => 1)).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 5 });
  finish();
  await first;
  await expect(inSlot(() => Promise.reject(new Error('x')))).rejects.toThrow('x');
  expect(await inSlot(async () => 2)).toBe(2);
});
