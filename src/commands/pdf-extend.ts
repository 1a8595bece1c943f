/** `tongren pdf extend`: keeps a signed PDF provable. Asks a timestamp authority, and for revocation data of chains that reach an anchor. */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { allowListedFetch } from '#adapters/allow-listed-fetch.ts';
import { askStatusOver } from '#certificates/ask-status.ts';
import { ConfigError, readConfig } from '#config.ts';
import type { DigestName } from '#crypto/suite.ts';
import { validationDataFrom } from '#documents/pdf/collect-validation-data.ts';
import { type ExtensionLevel, extendPdf } from '#documents/pdf/extend-pdf.ts';
import type { FileVerdict, VerifyOptions } from '#documents/verdict.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { dataDirOf, readCertificates, readInstalledTrust } from '#edge/installation.ts';
import { Problem } from '#problem.ts';
import { fileFault } from './file-fault.ts';
import { timestampOver } from './timestamp-over.ts';

export interface ExtendOptions {
  out: string;
  level: ExtensionLevel;
  tsa?: string;
  digest?: Extract<DigestName, 'sha256' | 'sm3'>;
  trust: string[];
  json?: boolean;
}

const EXIT = { done: 0, refused: 1, unreadable: 2, wrongUse: 3 } as const;

/** Writes the extended file only when it is complete and verifies. Returns the exit code. */
export async function extendFile(path: string, options: ExtendOptions): Promise<number> {
  let pdf: Uint8Array;
  try {
    pdf = await readFile(path);
  } catch {
    console.error(`${path} cannot be read. / 无法读取该文件。`);
    return EXIT.unreadable;
  }
  try {
    const settings = prepare(options);
    const before = verifyDocument(pdf, basename(path), settings.trust).report;
    const digest = options.digest ?? digestFor(before);
    const { pdf: extended, added } = await extendPdf(pdf, {
      level: options.level,
      timestamp: timestampOver(settings.outbound, settings.tsa ?? `${settings.origin}/tsa${digest === 'sm3' ? '/sm2' : ''}`),
      digest,
      validationData: validationDataFrom({ ...settings.sources, ...askStatusOver(settings.outbound), now: () => new Date() }),
      trust: settings.trust,
    });
    const after = verifyDocument(extended, basename(options.out), { ...settings.trust, at: new Date() }).report;
    await writeWhole(options.out, extended);
    report({ before, after, added, bytes: extended.length }, options);
    return EXIT.done;
  } catch (error) {
    if (error instanceof WrongUse || error instanceof ConfigError) {
      console.error(error.message);
      return EXIT.wrongUse;
    }
    if (!(error instanceof Problem)) throw error;
    const { code, message, detailZh } = error;
    if (options.json) console.log(JSON.stringify({ error: code, detail: message, detailZh: detailZh ?? null }, null, 2));
    else console.error([message, detailZh].filter(Boolean).join(' / '));
    return EXIT.refused;
  }
}

class WrongUse extends Error {}

function prepare({ tsa, trust: files }: ExtendOptions) {
  const config = readConfig(process.env);
  const installed = readInstalledTrust(dataDirOf(process.env));
  let anchors = installed.anchors;
  try {
    anchors = [...anchors, ...files.flatMap((file) => readCertificates(file))];
  } catch (error) {
    throw new WrongUse(`--trust: ${fileFault(error)}`);
  }
  if (anchors.length === 0)
    throw new WrongUse('No trust anchor: give --trust, or run beside an installation. / 没有信任根，请使用 --trust。');
  const { origin, production, outboundAllow } = config;
  // Our own address is ours to reach, wherever it lies.
  const privateHosts = [...outboundAllow, new URL(origin).host];
  const outbound = allowListedFetch({ hosts: ['*'], privateHosts, allowLoopback: !production });
  const { intermediates, crls } = installed;
  const trust: VerifyOptions = { anchors, officialAnchors: installed.anchors, intermediates, crls, at: new Date() };
  return { origin, tsa, outbound, trust, sources: { anchors, intermediates, crls } };
}

/** An SM2 file gets an SM2 timestamp. */
function digestFor({ signatures }: FileVerdict): 'sha256' | 'sm3' {
  return signatures.some(({ suite }) => suite === 'sm2-sm3') && !signatures.some(({ suite }) => suite === 'es256') ? 'sm3' : 'sha256';
}

/** Never half a file, also when FILE and OUT are one. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new WrongUse(`--out: ${fileFault(error, path)}`);
  }
}

interface Outcome {
  before: FileVerdict;
  after: FileVerdict;
  added: readonly string[];
  bytes: number;
}

function report({ before, after, added, bytes }: Outcome, { out, json }: ExtendOptions): void {
  const signatures = after.signatures.map(({ index, kind, form, verdict, time, indication }) => ({
    index,
    kind,
    formBefore: before.signatures[index]?.form ?? null,
    form: form ?? null,
    verdict,
    indication: indication ?? null,
    proven: time.proven,
  }));
  if (json) {
    console.log(JSON.stringify({ out, bytes, added, verdict: after.verdict, signatures }, null, 2));
    return;
  }
  console.log(added.length > 0 ? `${out}: added ${added.join(', ')} / 已追加` : `${out}: nothing to add / 无需追加`);
  for (const { index, kind, formBefore, form, verdict, proven } of signatures) {
    const change = formBefore === form ? form : `${formBefore ?? 'new / 新增'} → ${form}`;
    console.log(`  ${index + 1}. ${kind} ${change}: ${verdict}${proven ? ` (${proven})` : ''}`);
  }
}
