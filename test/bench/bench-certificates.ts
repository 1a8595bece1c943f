/**
 * Certificates. Alone: built, linted and signed, against the bare signature, and against what @peculiar/x509 makes of the same contents.
 * Issued: linted, stored before it is signed, with its audit event, signed by the guarded key and stored again, in batches and one
 * by one, against one bare signature and one durable insert for each.
 */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { issueCertificate, issueCertificates } from '#certificates/issue-certificate.ts';
import { generateKeyPair, signMessage } from '#crypto/suite.ts';
import { assembleCertificate } from '#pki/build-certificate.ts';
import { lintTbs } from '#pki/lint.ts';
import { type TestEntity, testChain, testTbs } from '../fakes/test-authority.ts';
import type { BenchApp } from './bench-app.ts';
import { compare, type Row } from './measure.ts';

const BATCH = 50;
const SUITES = ['es256', 'sm2-sm3'] as const;
const DAY_MS = 86_400_000;

export async function benchCertificates({ app: { context } }: BenchApp): Promise<Row[]> {
  const rows: Row[] = [];
  for (const suite of SUITES) {
    const { issuing } = testChain(suite);
    const spkis = Array.from({ length: 200 }, () => generateKeyPair(suite).spki);
    let turn = 0;
    const build = () => {
      const spki = spkis[turn++ % spkis.length] ?? new Uint8Array();
      const tbs = testTbs(suite, issuing, spki, { profile: 'organisation' });
      if (lintTbs(tbs, suite, issuing.certificate).faults.length > 0) throw new Error('the lint refused');
      return assembleCertificate(tbs, suite, signMessage(issuing.key, tbs));
    };
    const bytes = Buffer.alloc(700, 0x5a);
    rows.push(
      await compare(`certificate built, linted, signed, ${suite}`, build, {
        name: 'one signature',
        work: () => signMessage(issuing.key, bytes),
      }),
    );
    if (suite === 'es256')
      rows.push(await compare('the same, es256', build, { name: '@peculiar/x509, not linted', work: await peer(issuing) }));
    rows.push(...(await benchIssuing(context, suite, issuing)));
  }
  return rows;
}

async function benchIssuing(context: BenchApp['app']['context'], suite: (typeof SUITES)[number], { key }: TestEntity): Promise<Row[]> {
  await context.db.$executeRaw`CREATE TABLE IF NOT EXISTS bench_insert (id bigserial PRIMARY KEY, der bytea NOT NULL)`;
  const bytes = Buffer.alloc(700, 0x5a);
  const input = () => ({
    ...({ profile: 'organisation', suite, days: 365, by: 'system:bench' } as const),
    subject: { commonName: '示范茶业有限公司', organisation: '示范茶业有限公司', uscc: '91350100M000100Y43' },
    spki: made.pop() ?? generateKeyPair(suite).spki,
  });
  // The holder makes the key, so making it is not part of what is measured.
  const made = Array.from({ length: 5_000 }, () => generateKeyPair(suite).spki);
  const insert = async () => {
    const signature = signMessage(key, bytes);
    await context.db.$executeRaw`INSERT INTO bench_insert (der) VALUES (${Buffer.concat([bytes, signature])})`;
  };
  const baseline = 'one signature and one durable insert';
  const many = await compare(
    `certificates issued ${BATCH} at once, ${suite}`,
    () => issueCertificates(context, Array.from({ length: BATCH }, input)),
    { name: baseline, work: insert },
  );
  const one = await compare(`certificate issued alone, ${suite}`, () => issueCertificate(context, input()), {
    name: baseline,
    work: insert,
  });
  const together = await compare(
    `certificates issued alone, 8 at a time, ${suite}`,
    () => Promise.all(Array.from({ length: 8 }, () => issueCertificate(context, input()))),
    { name: `${baseline}, 8 at a time`, work: () => Promise.all(Array.from({ length: 8 }, insert)) },
  );
  await context.db.$executeRaw`DROP TABLE bench_insert`;
  return [
    { ...many, value: many.value * BATCH, ratio: many.ratio / BATCH },
    one,
    { ...together, value: together.value * 8, baselineValue: together.baselineValue * 8 },
  ];
}

/** The same contents by the library most programs in JavaScript use. */
async function peer(issuing: TestEntity): Promise<() => Promise<unknown>> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const [own, subject] = await Promise.all([
    webcrypto.subtle.generateKey(algorithm, false, ['sign', 'verify']),
    webcrypto.subtle.generateKey(algorithm, false, ['sign', 'verify']),
  ]);
  const provider = webcrypto as unknown as Crypto;
  const url = 'http://ca.example.cn/crl/x.crl';
  return async () =>
    x509.X509CertificateGenerator.create(
      {
        serialNumber: '40112233445566778899aabbccddeeff',
        issuer: issuing.certificate.issuer.attributes.map(({ value }) => ({ O: [value] })) as never,
        subject: [{ C: ['CN'] }, { O: ['示范茶业有限公司'] }, { CN: ['示范茶业有限公司'] }],
        notBefore: new Date(),
        notAfter: new Date(Date.now() + 365 * DAY_MS),
        signingKey: own.privateKey as never,
        publicKey: subject.publicKey as never,
        signingAlgorithm: algorithm,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.nonRepudiation, true),
          await x509.SubjectKeyIdentifierExtension.create(subject.publicKey as never, false, provider),
          await x509.AuthorityKeyIdentifierExtension.create(own.publicKey as never, false, provider),
          new x509.CertificatePolicyExtension(['1.3.6.1.4.1.32473.7.1.13']),
          new x509.CRLDistributionPointsExtension([url]),
        ],
      },
      provider,
    );
}
