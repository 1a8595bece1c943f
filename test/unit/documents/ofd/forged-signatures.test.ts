/**
 * A citizen whose signature holds adds it to a sealed licence, and with it what some readers draw: a page disguised as his signature, or a
 * seal that we read past.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeSignedData } from '#crypto/cms.ts';
import { digest } from '#crypto/suite.ts';
import { lockOfd } from '#documents/ofd/lock-ofd.ts';
import { verifyOfd } from '#documents/ofd/verify-ofd.ts';
import { PROVIDER, repack, SealingTown, SIGNED_AT, sampleFiles, unpack } from '#test/fakes/sample-ofd.ts';

const LIST = 'Doc_0/Signs/Signatures.xml';
const PAGE = 'Doc_0/Pages/Page_0/Content.xml';
const SM3 = '1.2.156.10197.1.401';
const town = new SealingTown();
const citizen = town.authority.issue('person', { commonName: '张三' });
let sealed: Uint8Array;
let files: Record<string, Uint8Array>;
beforeAll(async () => {
  sealed = await town.sealed();
  files = unpack(sealed);
});

const judge = (ofd: Uint8Array) => verifyOfd(ofd, town.options).report;
const OFD = 'xmlns:ofd="http://www.ofdspec.org/2016"';

interface Added {
  /** Where the description goes. */
  at?: string;
  value?: string;
  root?: string;
  /** Within SignedInfo, behind the references. */
  info?: string;
  /** Within the root. */
  more?: string;
  element?: (id: string, at: string) => string;
  beside?: Record<string, string | Uint8Array>;
}

async function withSignature({
  at = 'Doc_0/Signs/Sign_9/Signature.xml',
  value = 'Doc_0/Signs/Sign_9/SignedValue.dat',
  root = 'Signature',
  info = '',
  more = '',
  element = (id, path) => `<ofd:Signature ID="${id}" Type="Sign" BaseLoc="/${path}"/>`,
  beside = {},
}: Added): Promise<Uint8Array> {
  const { [LIST]: list = Buffer.alloc(0), 'OFD.xml': signed = Buffer.alloc(0) } = files;
  const reference = `<ofd:Reference FileRef="/OFD.xml"><ofd:CheckValue>${Buffer.from(digest('sm3', signed)).toString('base64')}</ofd:CheckValue></ofd:Reference>`;
  const description = Buffer.from(
    `<ofd:${root} ${OFD}><ofd:SignedInfo><ofd:Provider ProviderName="x"/><ofd:References CheckMethod="${SM3}">${reference}</ofd:References>${info}</ofd:SignedInfo><ofd:SignedValue>/${value}</ofd:SignedValue>${more}</ofd:${root}>`,
  );
  const content = digest('sm3', description);
  const certificates = [citizen.certificate.der];
  const cms = encodeSignedData({ form: 'gm', suite: 'sm2-sm3', certificates, content, signature: await citizen.sign(content) });
  return repack(sealed, {
    [LIST]: Buffer.from(list)
      .toString()
      .replace('</ofd:Signatures>', `${element('s099', at)}</ofd:Signatures>`),
    [at]: description,
    [value]: cms,
    ...beside,
  });
}

test('a citizen may sign what is sealed', async () => {
  expect(judge(await withSignature({}))).toMatchObject({ verdict: 'genuine', official: true });
});

describe('a page that says it is his signature', () => {
  const page = (sampleFiles()[PAGE] ?? '').replace(/.*?<ofd:Page[^>]*>|<\/ofd:Page>/gs, '');

  test.each([
    ['in another case', 'doc_0/Pages/Page_0/Content.xml'],
    ['where other readers look', 'Pages/Page_0/Content.xml'],
  ])('%s', async (_name, at) => {
    expect(judge(await withSignature({ at, root: 'Page', more: page }))).toMatchObject({ verdict: 'partly-covered', official: false });
  });

  test('an attachment that says it is its value', async () => {
    const forged = await withSignature({ value: 'Doc_0/attachs/licence.json' });
    expect(judge(forged)).toMatchObject({ verdict: 'partly-covered', official: false });
  });

  test('a description that takes the place of the sealed one', async () => {
    const forged = await withSignature({ at: 'Doc_0/Signs/SIGN_0/Signature.xml' });
    expect(judge(forged)).toMatchObject({ verdict: 'partly-covered', official: false });
  });
});

describe('a seal that one reader draws and another does not see', () => {
  const seal = '<ofd:Seal><ofd:BaseLoc>/Doc_0/Signs/Sign_9/Seal.esl</ofd:BaseLoc></ofd:Seal>';
  const nowhere = '<ofd:Seal><ofd:BaseLoc>/Doc_0/nowhere.esl</ofd:BaseLoc></ofd:Seal>';
  const beside = { 'Doc_0/Signs/Sign_9/Seal.esl': 'a seal of nobody' };

  test.each([
    ['a second seal', { info: nowhere + seal }],
    [
      'a second place of the seal',
      { info: nowhere.replace('</ofd:Seal>', '<ofd:BaseLoc>/Doc_0/Signs/Sign_9/Seal.esl</ofd:BaseLoc></ofd:Seal>') },
    ],
    ['a seal outside SignedInfo', { more: seal }],
    ['a seal further inside', { info: `<ofd:More>${seal}</ofd:More>` }],
    ['a second SignedInfo', { more: `<ofd:SignedInfo>${seal}</ofd:SignedInfo>` }],
    ['a second value', { more: '<ofd:SignedValue>/Doc_0/Signs/Sign_9/Seal.esl</ofd:SignedValue>' }],
    ['a second list of references', { info: '<ofd:References/>' }],
    [
      'a seal named both as an attribute and as an element',
      { info: nowhere.replace('<ofd:Seal>', '<ofd:Seal BaseLoc="/Doc_0/Signs/Sign_9/Seal.esl">') },
    ],
  ])('%s', async (_name, change) => {
    expect(judge(await withSignature({ ...change, beside }))).toMatchObject({ verdict: 'malformed', official: false });
  });

  test('a value that other readers find elsewhere', async () => {
    const forged = await withSignature({ value: 'Doc_0/v.dat', beside: { 'Doc_0/Signs/Sign_9/Doc_0/v.dat': 'x' } });
    expect(judge(forged)).toMatchObject({ verdict: 'partly-covered', official: false });
  });

  test.each([
    [
      'an attribute of a prefix that names another description',
      (id: string, at: string) =>
        `<ofd:Signature ID="${id}" Type="Sign" BaseLoc="/${at}" ofd:BaseLoc="/Doc_0/Signs/Sign_8/Signature.xml"/>`,
    ],
  ])('%s', async (_name, element) => {
    const forged = await withSignature({ element, beside: { 'Doc_0/Signs/Sign_8/Signature.xml': '<x/>' } });
    expect(judge(forged)).toMatchObject({ verdict: 'malformed', official: false });
  });
});

describe('signed by the citizen as well, who is not official', () => {
  const locked = async (more: Record<string, string>) =>
    lockOfd(repack(sealed, more), { certificates: [citizen.certificate.der], signedAt: SIGNED_AT, provider: PROVIDER, sign: citizen.sign });

  test('what is as it was sealed stays official', async () => {
    expect(judge(await locked({}))).toMatchObject({ verdict: 'genuine', official: true });
  });

  test.each([
    ['a second page', 'doc_0/Pages/Page_0/Content.xml'],
    ['a page where other readers look', 'Pages/Page_0/Content.xml'],
    ['a second OFD.xml', 'ofd.xml'],
    ['a second description of the seal', 'Doc_0/Signs/Sign_0/SIGNATURE.xml'],
    ['a second seal', 'Doc_0/Signs/Sign_0/seal.ESL'],
  ])('%s is not covered by that', async (_name, entry) => {
    expect(judge(await locked({ [entry]: '<x/>' }))).toMatchObject({ verdict: 'partly-covered', official: false });
  });
});

test('a list in an encoding named late, which others decode to another signature', () => {
  const list = Buffer.from(files[LIST] ?? [])
    .toString()
    .replace(/^<\?xml[^>]*\?>/, `<?xml version="1.0"${' '.repeat(300)}encoding="UTF-7"?>`)
    .replace('</ofd:Signatures>', '+ADw-ofd:Signature ID+AD0AIg-s9+ACI BaseLoc+AD0AIg-/x.xml+ACI-/+AD4-</ofd:Signatures>');
  expect(judge(repack(sealed, { [LIST]: list, 'x.xml': '<x/>' }))).toMatchObject({ verdict: 'malformed', official: false });
});
