import { describe, expect, test } from 'vitest';
import { XmlError } from '#documents/xml/decode-text.ts';
import { readXml } from '#documents/xml/read-xml.ts';
import { newXmlBudget } from '#documents/xml/scan-xml.ts';

const reasonFor = (bytes: Uint8Array | string, budget = newXmlBudget()) => {
  try {
    readXml(Buffer.from(bytes), budget);
    return 'accepted';
  } catch (error) {
    if (error instanceof XmlError) return error.reason;
    throw error;
  }
};

describe('reads as real files are', () => {
  test.each([
    ['the right prefix', '<ofd:A xmlns:ofd="http://www.ofdspec.org/2016"><ofd:B ID="1"> x </ofd:B></ofd:A>'],
    ['another prefix', '<q:A xmlns:q="urn:x"><q:B ID="1"> x </q:B></q:A>'],
    ['no prefix', '<A><B ID="1"> x </B></A>'],
    ['a prefix nobody declared', '<ofd:A><ofd:B ID="1"> x </ofd:B></ofd:A>'],
    ['a BOM', '\uFEFF<A><B ID="1"> x </B></A>'],
    ['CDATA and comments', '<A><!-- <B/> --><B ID="1"> <![CDATA[x]]> </B></A>'],
  ])('%s', (_case, xml) => {
    const root = readXml(Buffer.from(xml));
    expect(root.name).toBe('A');
    expect(root.child('B')?.attribute('ID')).toBe('1');
    expect(root.textOf('B')).toBe('x');
  });

  test('GBK and UTF-16', () => {
    const gbk = Buffer.concat([
      Buffer.from('<?xml version="1.0" encoding="GBK"?><A>'),
      Buffer.from('d6a4d5d5', 'hex'),
      Buffer.from('</A>'),
    ]);
    expect(readXml(gbk).text).toBe('证照');
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<A>证照</A>', 'utf16le')]);
    expect(readXml(utf16).text).toBe('证照');
  });

  test('a prefixed attribute beside the same one without a prefix', () => {
    expect(readXml(Buffer.from('<A x:ID="1" ID="1"/>')).attribute('ID')).toBe('1');
  });
});

describe('refuses', () => {
  const bomb = '<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>';
  test.each([
    ['a document type', bomb, 'xml-doctype'],
    ['an unknown entity', '<a>&x;</a>', 'xml-not-well-formed'],
    ['an attribute that says two things', '<a x:b="2" b="1"/>', 'xml-attribute-twice'],
    ['two roots', '<a/><b/>', 'xml-not-well-formed'],
    ['nothing', '', 'xml-not-well-formed'],
    ['an open element', '<a><b></a>', 'xml-not-well-formed'],
    ['bytes that are not UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]), 'xml-encoding'],
    ['an encoding we do not know', '<?xml version="1.0" encoding="EBCDIC"?><a/>', 'xml-encoding'],
    ['depth', '<a>'.repeat(200) + '</a>'.repeat(200), 'xml-too-deep'],
  ])('%s', (_case, xml, reason) => {
    expect(reasonFor(xml)).toBe(reason);
  });

  test('more elements than the budget of all files together', () => {
    const budget = newXmlBudget(100);
    expect(reasonFor(`<a>${'<b/>'.repeat(60)}</a>`, budget)).toBe('accepted');
    expect(reasonFor(`<a>${'<b/>'.repeat(60)}</a>`, budget)).toBe('xml-too-many-elements');
  });
});
