/**
 * Judges, draws and signs files from outside in a thread of its own: a hostile file costs this thread its time and memory,
 * never the server's. Sees bytes and trust, no store, no network, no keys.
 */
import { parentPort } from 'node:worker_threads';
import { pictureOfOfdPage } from '#documents/ofd/picture-of-ofd.ts';
import { pictureOfPdfPage } from '#documents/pdf/picture-of-pdf.ts';
import { prepareHeldSignature } from '#documents/pdf/sign-with-held-key.ts';
import { verifyDocument } from '#documents/verify-document.ts';
import { Problem } from '#problem.ts';
import { type Asking, askServer } from './ask-server.ts';
import { finishInThread } from './finish-in-thread.ts';
import { parsedTrust } from './parsed-trust.ts';
import { packProblem } from './send-problem.ts';
import type { PictureTask, QuestionReply, VerificationTask, WorkerAnswer, WorkerMessage, WorkerTask } from './worker-messages.ts';

const PICTURE_DPI = 96;
const MAX_PICTURES = 3;

async function judge(task: VerificationTask): Promise<WorkerAnswer> {
  const { report, licenceIdentifier, licenceDataDigest } = verifyDocument(task.bytes, task.name, {
    ...parsedTrust(task.trust),
    at: task.at,
    offline: true,
  });
  // What cannot be read safely is not drawn either.
  const drawable = task.withPictures && report.verdict !== 'malformed' && (report.format === 'ofd' || report.format === 'pdf');
  const pictures = drawable ? await drawPages(task.bytes, report.format as 'ofd' | 'pdf') : [];
  return {
    report,
    pictures,
    ...(licenceIdentifier === undefined ? {} : { licenceIdentifier }),
    ...(licenceDataDigest === undefined ? {} : { licenceDataDigest }),
  };
}

async function drawPages(bytes: Uint8Array, format: 'ofd' | 'pdf'): Promise<Uint8Array[]> {
  const pictures: Uint8Array[] = [];
  try {
    for (let page = 0; page < MAX_PICTURES; page++) pictures.push(await draw({ kind: 'picture', bytes, format, page, dpi: PICTURE_DPI }));
  } catch {
    // Past the last page, or not drawable: the verdict stands without a picture.
  }
  return pictures;
}

function draw({ bytes, format, page, dpi }: PictureTask): Promise<Uint8Array> {
  return format === 'ofd' ? pictureOfOfdPage(bytes, page, dpi) : pictureOfPdfPage(bytes, page, dpi);
}

async function work(task: WorkerTask, asking: Asking): Promise<WorkerAnswer> {
  switch (task.kind) {
    case 'verify':
      return judge(task);
    case 'picture':
      return { picture: await draw(task) };
    case 'prepare-signature':
      return { toBeSigned: await prepareHeldSignature(task.bytes, task.signing) };
    case 'finish-signature':
      return finishInThread(task, asking);
  }
}

if (parentPort) {
  const port = parentPort;
  const asking = askServer(port);
  port.on('message', async (message: WorkerTask | QuestionReply) => {
    if ('number' in message) return asking.take(message);
    asking.begin();
    port.postMessage(await answerTo(message, asking));
  });
}

async function answerTo(task: WorkerTask, asking: Asking): Promise<WorkerMessage> {
  try {
    return { answer: await work(task, asking) };
  } catch (error) {
    const failure = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
    return { failure, ...(error instanceof Problem ? { problem: packProblem(error) } : {}) };
  }
}
