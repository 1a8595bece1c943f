/** What the reason codes of PDF files mean, beside those they share with OFD files, seals and certificate chains. */
import type { ReasonEntry } from './reason-words.ts';

export const PDF_WORDS: Record<string, ReasonEntry> = {
  // signature dictionary and the bytes it is over
  'byte-range-missing': ['签名没有说明保护哪些字节', 'The signature does not say which bytes it is over'],
  'byte-range-not-four-numbers': ['签名保护范围的写法有误', 'The range of signed bytes is not four numbers'],
  'byte-range-not-from-start': ['签名没有从文件开头保护', 'The signed bytes do not begin with the file'],
  'byte-range-past-end': ['签名保护范围超出文件', 'The signed bytes reach past the end of the file'],
  'byte-range-gap-not-contents': ['签名值以外还有未保护的字节', 'Bytes besides the signature value are left out'],
  'byte-range-empty': ['签名值之后没有受保护的字节', 'Nothing behind the signature value is signed'],
  'byte-range-cuts-dictionary': ['签名字典未被完整保护', 'The signature dictionary is only partly signed'],
  'contents-missing': ['签名中没有签名值', 'There is no signature value'],
  'contents-empty': ['签名值是空的', 'The signature value is empty'],
  'contents-not-hexadecimal': ['签名值的写法有误', 'The signature value is not written as it must be'],
  'contents-padding-not-zero': ['签名值之后有多余数据', 'There are bytes after the signature value'],
  'wrong-type': ['签名字典的类型不对', 'The signature dictionary is of another type'],
  'duplicate-keys': ['签名字典中有重复的项，不同软件会读出不同内容', 'Keys stand twice: two programs would read two signatures'],
  'signature-in-object-stream': [
    '签名放在压缩对象流中，无法保护自身',
    'The signature stands in an object stream and cannot protect itself',
  ],
  'signature-outside-revisions': ['文件中藏有未列出的签名', 'A signature stands in the file that no revision leads to'],
  'signature-removed': ['有签名被移除', 'A signature was removed'],
  'signed-bytes-are-no-revision': ['受保护的字节不是完整的文件版本', 'The signed bytes are no complete revision of the file'],
  'signed-revision-unreadable': ['签署时的文件版本无法读取', 'The revision that was signed cannot be read'],
  'signature-not-in-signed-revision': ['签署时的文件版本中没有这个签名', 'The revision that was signed does not hold this signature'],
  'unsupported-subfilter': ['签名的类型不受支持', 'The kind of signature is not supported'],
  // value
  'cms-unreadable': ['签名值无法读取', 'The signature value cannot be read'],
  'cms-not-der': ['签名值采用 BER 编码，不影响结论', 'The value is in BER, which changes nothing'],
  'attributes-not-der': ['签名属性的编码与标准略有出入，不影响结论', 'The signed attributes are not in DER, which changes nothing'],
  'attributes-unreadable': ['签名属性无法读取', 'The signed attributes cannot be read'],
  'content-type-missing': ['签名属性缺少内容类型', 'The signed attributes lack the content type'],
  'content-type-differs': ['签名属性的内容类型不符', 'The signed attributes name another content type'],
  'message-digest-missing': ['签名属性缺少摘要', 'The signed attributes lack the digest'],
  'digest-algorithms-differ': ['签名中的摘要算法自相矛盾', 'The signature names two digests'],
  'no-signer': ['签名中没有签署者', 'There is no signer in the signature'],
  'signer-certificate-missing': ['签名中没有签署者证书', 'No certificate of the signer inside'],
  'content-encapsulated': ['签名值内含有另一份内容', 'The signature value holds content of its own'],
  'content-missing': ['签名值内缺少摘要', 'The signature value lacks the digest'],
  'unsupported-algorithm': ['使用了不支持的算法', 'The algorithm is not supported'],
  'unsupported-key': ['使用了不支持的密钥', 'The key is of a kind that is not supported'],
  'signing-certificate-missing': ['签名没有指明所用证书', 'The signature does not name its certificate'],
  'signing-certificate-differs': ['签名指明了另一张证书', 'The signature names another certificate'],
  'signing-certificate-double': ['签名两次指明证书', 'The signature names its certificate twice'],
  'seal-signature-unreadable': ['电子签章无法读取', 'The seal signature cannot be read'],
  'certificate-unreadable': ['证书无法读取', 'A certificate cannot be read'],
  // what came after
  'change-not-allowed': ['签署之后有不允许的改动', 'Changed after signing in a way that is not allowed'],
  'change-outside-signature': ['签署之后追加了内容', 'Something was added after signing'],
  'bytes-after-signature': ['签名之后有不属于任何版本的数据', 'There are bytes after the signature that are no revision'],
  'need-appearances': ['阅读器可能按表单的值重新绘制', 'Readers may draw the form anew from its values'],
  // file
  encrypted: ['文件已加密', 'The file is encrypted'],
  'unsupported-filter': ['文件使用了不支持的压缩方式', 'The file uses a compression that is not supported'],
};

/** Faults of structure, one sentence for each kind. */
export const PDF_KINDS: readonly (readonly [pattern: RegExp, words: ReasonEntry])[] = [
  [
    /^(stream-too-large|form-too-large|page-tree-too-large|nested-too-deeply)$/,
    ['文件内容超出安全限制', 'The file goes beyond the limits of what is safe to read'],
  ],
  [
    /^(xref-|object-|startxref-|page-tree-|catalog-missing$|truncated$)/,
    ['文件结构已损坏或自相矛盾', 'The structure of the file is broken or contradicts itself'],
  ],
  [
    /^(stream-broken|bad-predictor|not-a-pdf|not-an-object|not-a-number|not-a-dictionary|not-hexadecimal)$/,
    ['文件已损坏', 'The file is damaged'],
  ],
];
