/** A small OFD package and a sealed one, made under a fixed clock with keys of a test authority. */
import { readZip } from '#documents/container/read-zip.ts';
import { type NewEntry, writeZip } from '#documents/container/write-zip.ts';
import { type SealOfdInput, sealOfd } from '#documents/ofd/seal-ofd.ts';
import { buildSeal, type SealInput } from '#documents/ses/build-seal.ts';
import type { VerifyOptions } from '#documents/verdict.ts';
import { DocumentAuthority, type TestIdentity } from './document-authority.ts';

export const SIGNED_AT = new Date('2026-11-20T08:00:00Z');
export const ASKED_AT = new Date('2026-11-21T08:00:00Z');
export const PROVIDER = { name: 'tongren', company: 'Tongren', version: '0.1.0' };

const OFD = 'xmlns:ofd="http://www.ofdspec.org/2016"';
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Files of a one-page package with a template, a picture and an attachment. */
export function sampleFiles(): Record<string, string> {
  return {
    'OFD.xml': `${HEAD}<ofd:OFD ${OFD} Version="1.0" DocType="OFD"><ofd:DocBody><ofd:DocInfo><ofd:DocID>0123456789abcdef0123456789abcdef</ofd:DocID><ofd:CustomDatas><ofd:CustomData Name="证照标识">1.2.156.3005.2.TEST</ofd:CustomData></ofd:CustomDatas></ofd:DocInfo><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>`,
    'Doc_0/Document.xml': `${HEAD}<ofd:Document ${OFD}><ofd:CommonData><ofd:MaxUnitID>9</ofd:MaxUnitID><ofd:PageArea><ofd:PhysicalBox>0 0 210 297</ofd:PhysicalBox></ofd:PageArea><ofd:PublicRes>PublicRes.xml</ofd:PublicRes><ofd:DocumentRes>DocumentRes.xml</ofd:DocumentRes><ofd:TemplatePage ID="2" BaseLoc="Tpls/Tpl_0/Content.xml"/></ofd:CommonData><ofd:Pages><ofd:Page ID="1" BaseLoc="Pages/Page_0/Content.xml"/></ofd:Pages><ofd:Attachments>Attachs/Attachments.xml</ofd:Attachments></ofd:Document>`,
    'Doc_0/PublicRes.xml': `${HEAD}<ofd:Res ${OFD} BaseLoc="Res"><ofd:Fonts><ofd:Font ID="3" FontName="SimSun"/></ofd:Fonts></ofd:Res>`,
    'Doc_0/DocumentRes.xml': `${HEAD}<ofd:Res ${OFD} BaseLoc="Res"><ofd:MultiMedias><ofd:MultiMedia ID="5" Type="Image"><ofd:MediaFile>image.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias></ofd:Res>`,
    'Doc_0/Res/image.png': 'not really a picture',
    'Doc_0/Tpls/Tpl_0/Content.xml': `${HEAD}<ofd:Page ${OFD}><ofd:Content><ofd:Layer ID="8"/></ofd:Content></ofd:Page>`,
    'Doc_0/Pages/Page_0/Content.xml': `${HEAD}<ofd:Page ${OFD}><ofd:Template TemplateID="2"/><ofd:Content><ofd:Layer ID="6"><ofd:TextObject ID="7" Boundary="10 10 50 10" Font="3" Size="5"><ofd:TextCode X="0" Y="5" DeltaX="5">测试</ofd:TextCode></ofd:TextObject></ofd:Layer></ofd:Content></ofd:Page>`,
    'Doc_0/Attachs/Attachments.xml': `${HEAD}<ofd:Attachments ${OFD}><ofd:Attachment ID="a1" Name="licence"><ofd:FileLoc>licence.json</ofd:FileLoc></ofd:Attachment></ofd:Attachments>`,
    'Doc_0/Attachs/licence.json': '{"number":"TEST-1"}',
  };
}

export function packFiles(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array {
  const entries = Object.entries(files).map(([name, data]) => ({ name, data: typeof data === 'string' ? Buffer.from(data) : data }));
  return writeZip(entries, { time: SIGNED_AT });
}

/** The files of a package, to be changed and packed again. */
export function unpack(ofd: Uint8Array): Record<string, Uint8Array> {
  const archive = readZip(ofd);
  return Object.fromEntries([...archive.entries.keys()].map((name) => [name, archive.read(name)]));
}

/** The package with some files changed, added, or (undefined) taken out. */
export function repack(ofd: Uint8Array, changes: Readonly<Record<string, string | Uint8Array | undefined>>): Uint8Array {
  const files: Record<string, string | Uint8Array> = unpack(ofd);
  for (const [name, data] of Object.entries(changes)) {
    if (data === undefined) delete files[name];
    else files[name] = data;
  }
  return packFiles(files);
}

/** Entries as `writeZip` takes them, for archives that break its rules on purpose. */
export function entriesOf(files: Readonly<Record<string, string>>): NewEntry[] {
  return Object.entries(files).map(([name, data]) => ({ name, data: Buffer.from(data) }));
}

/** An authority with a seal maker and a seal holder, and the options with which their seals are genuine. */
export class SealingTown {
  readonly authority: DocumentAuthority;
  readonly maker: TestIdentity;
  readonly signer: TestIdentity;

  constructor() {
    this.authority = new DocumentAuthority();
    this.maker = this.authority.issue('seal-maker', { commonName: '测试制章系统' });
    this.signer = this.authority.issue('seal', { commonName: '99010000000001' });
  }

  get options(): VerifyOptions {
    const root = this.authority.root.certificate;
    const crl = this.authority.crl([], new Date('2026-11-21T00:00:00Z'), new Date('2026-11-28T00:00:00Z'));
    return { anchors: [root], officialAnchors: [root], at: ASKED_AT, crls: [crl] };
  }

  async seal(change: Partial<SealInput> = {}, maker: TestIdentity = this.maker): Promise<Uint8Array> {
    return buildSeal({
      esId: '99010000000001',
      name: '测试局电子证照专用章',
      type: 4,
      makerCertificate: maker.certificate.der,
      signerCertificates: [this.signer.certificate.der],
      picture: { type: 'PNG', data: Buffer.from('a red circle'), widthMm: 42, heightMm: 42 },
      createdAt: new Date('2026-01-01T00:00:00Z'),
      validFrom: new Date('2026-01-01T00:00:00Z'),
      validTo: new Date('2028-01-01T00:00:00Z'),
      vendor: 'TONGREN',
      sign: maker.sign,
      ...change,
    });
  }

  async sealed(ofd: Uint8Array = packFiles(sampleFiles()), change: Partial<SealOfdInput> = {}): Promise<Uint8Array> {
    return sealOfd(ofd, {
      seal: change.seal ?? (await this.seal()),
      signerCertificate: this.signer.certificate.der,
      signedAt: SIGNED_AT,
      stamps: [{ pageIndex: 0, xMm: 140, yMm: 220, widthMm: 42, heightMm: 42 }],
      provider: PROVIDER,
      sign: this.signer.sign,
      ...change,
    });
  }
}
