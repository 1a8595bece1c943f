/**
 * The Info dictionary and the XMP packet, saying the same (ISO 19005-2, 6.6.2). Our two own properties are declared in an extension
 * schema, as PDF/A asks. They lie under the signature and let a verifier ask for the status of the licence.
 */
import { CREATOR, type DocumentMetadata } from '#documents/page/document-metadata.ts';
import { escapeXml } from '#documents/xml/escape-xml.ts';
import { pdfDate, pdfUnicodeString } from './write-pdf-strings.ts';

export const XMP_NAMESPACE = 'urn:tongren:licence:1#';

export function infoDictionary(metadata: DocumentMetadata): string {
  const date = pdfDate(metadata.createdAt);
  return [
    '<<',
    `/Title ${pdfUnicodeString(metadata.title)}`,
    `/Author ${pdfUnicodeString(metadata.author)}`,
    `/Subject ${pdfUnicodeString(metadata.subject)}`,
    `/Creator (${CREATOR}) /Producer (${CREATOR})`,
    `/CreationDate ${date} /ModDate ${date}`,
    `/LicenceIdentifier ${pdfUnicodeString(metadata.licenceIdentifier)}`,
    `/LicenceDataDigest (${metadata.dataDigest})`,
    '>>',
  ].join(' ');
}

export function xmpPacket(metadata: DocumentMetadata): string {
  const date = `${new Date(metadata.createdAt.getTime() + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`;
  return `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">${escapeXml(metadata.title)}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>${escapeXml(metadata.author)}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">${escapeXml(metadata.subject)}</rdf:li></rdf:Alt></dc:description>
<dc:language><rdf:Bag><rdf:li>zh-CN</rdf:li></rdf:Bag></dc:language>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<xmp:CreatorTool>${CREATOR}</xmp:CreatorTool>
<xmp:CreateDate>${date}</xmp:CreateDate>
<xmp:ModifyDate>${date}</xmp:ModifyDate>
<xmp:MetadataDate>${date}</xmp:MetadataDate>
<pdf:Producer>${CREATOR}</pdf:Producer>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/">
<xmpMM:DocumentID>urn:uuid:${uuidForm(metadata.documentId)}</xmpMM:DocumentID>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:tongren="${XMP_NAMESPACE}">
<tongren:LicenceIdentifier>${escapeXml(metadata.licenceIdentifier)}</tongren:LicenceIdentifier>
<tongren:LicenceDataDigest>${escapeXml(metadata.dataDigest)}</tongren:LicenceDataDigest>
</rdf:Description>
${EXTENSION_SCHEMA}
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>`;
}

const EXTENSION_SCHEMA = `<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>Electronic licence</pdfaSchema:schema>
<pdfaSchema:namespaceURI>${XMP_NAMESPACE}</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>tongren</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq>
${property('LicenceIdentifier', 'Licence identifier by GB/T 36904')}
${property('LicenceDataDigest', 'Digest of the canonical licence data')}
</rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>`;

function property(name: string, description: string): string {
  return `<rdf:li rdf:parseType="Resource"><pdfaProperty:name>${name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>${description}</pdfaProperty:description></rdf:li>`;
}

function uuidForm(hex: string): string {
  return hex.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
