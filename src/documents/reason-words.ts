/**
 * What reason codes mean, in a sentence for clerks: those of OFD files, seals and certificate chains here, those of PDF files
 * alone in `pdf-reason-words.ts`. Verdicts stay codes; whoever shows one asks here. `reason-words.test.ts` keeps this complete.
 */

import { PDF_KINDS, PDF_WORDS } from './pdf-reason-words.ts';

export interface ReasonWords {
  zh: string;
  en: string;
}

export type ReasonEntry = readonly [zh: string, en: string];

const ROLES: Record<string, ReasonEntry> = {
  signer: ['签章人', 'The signer'],
  maker: ['制章人', 'The seal maker'],
  timestamp: ['时间戳机构', 'The timestamp authority'],
};

/** After a role: `signer-expired`, `maker-revoked`. */
const OF_CERTIFICATES: Record<string, ReasonEntry> = {
  'chain-untrusted': ['的证书不能追溯到受信任的机构', '’s certificate leads to no authority trusted here'],
  'bad-signature': ['的证书链签名不正确', '’s certificate carries a wrong signature'],
  'unsupported-algorithm': ['的证书使用了不支持的算法', '’s certificate uses an algorithm that is not supported'],
  'weak-algorithm': ['的证书使用了不安全的算法', '’s certificate uses a weak algorithm'],
  expired: ['的证书当时已过期', '’s certificate had expired'],
  'not-yet-valid': ['的证书当时尚未生效', '’s certificate was not valid yet'],
  'not-a-ca': ['的证书由无权签发者签发', '’s certificate was issued by one who may not'],
  'path-too-long': ['的证书链超过允许的长度', '’s certificate chain is longer than allowed'],
  'wrong-key-usage': ['的证书用途不允许此操作', '’s certificate is not for this use'],
  'wrong-purpose': ['的证书用途不符', '’s certificate is for another purpose'],
  'is-a-ca': ['使用了颁发机构的证书', ' used an authority’s certificate'],
  'wrong-profile': ['的证书种类不符', '’s certificate is of another kind'],
  'unknown-critical-extension': ['的证书含有未知的关键扩展', '’s certificate has an unknown critical extension'],
  'unsupported-constraint': ['的证书链含有不支持的约束', '’s certificate chain has a constraint that is not supported'],
  'name-not-permitted': ['的证书名称不在上级机构获准的范围内', '’s certificate bears a name that an authority above it may not certify'],
  'policy-not-acceptable': ['的证书没有可接受的证书策略', '’s certificate is under no policy that is acceptable'],
  'rules-broken': ['的证书违反所要求的证书规范', '’s certificate breaks a rule that was asked for'],
  'name-mismatch': ['的证书不是所指的名称', '’s certificate does not bear the name that was meant'],
  'anchor-not-trusted-then': [
    '的证书链在该时间不受信任列表信任',
    '’s certificate chain ends at an authority not in the trust list for that time',
  ],
  'issued-after-distrust': [
    '的证书签发时间晚于信任列表允许的时间',
    '’s certificate was issued after the trust list stopped taking new ones',
  ],
  'malformed-extension': ['的证书扩展有误', '’s certificate has a faulty extension'],
  'certificate-unreadable': ['的证书无法读取', '’s certificate cannot be read'],
  'algorithm-unsupported': ['的签名算法不受支持', ' used an algorithm that is not supported'],
  'algorithm-does-not-fit-key': ['的签名算法与密钥不符', ' states an algorithm that does not fit the key'],
  'work-limit': ['的证书链过于复杂', '’s certificate chain is too tangled'],
  revoked: ['的证书已被吊销', '’s certificate was revoked'],
  'revoked-later': ['的证书在经证明的签署时间之后被吊销', '’s certificate was revoked after the proven time of signing'],
};

const WORDS: Record<string, ReasonEntry> = {
  // one licence, several files
  'other-licence': ['文件属于不同的证照', 'The files show different licences'],
  'other-data': ['证照标识相同，但数据不同（可能是不同版本）', 'One licence, but with different data: perhaps another version of it'],
  'file-not-genuine': ['有文件未通过验证，其内容不足为凭', 'A file is not genuine, so what it says proves nothing'],
  'file-not-official': ['有文件并非由本机构体系签发', 'One of the files is not official'],
  'sealed-by-another': ['文件由不同单位签章', 'The files were not sealed by one organisation'],
  'no-licence-identifier': ['有文件未载明证照标识', 'A file names no licence'],
  'no-licence-data-digest': ['有文件未载明证照数据摘要', 'A file carries no digest of the licence’s data'],

  // time and revocation
  'revocation-unknown': ['无法得知证书是否被吊销', 'Whether a certificate was revoked could not be learnt'],
  'time-not-proven': ['签署时间由签署方声称，没有时间戳证明', 'The time is the signer’s claim; no timestamp proves it'],
  'signing-time-unknown': ['没有可读的签署时间', 'There is no time of signing that can be read'],
  'signed-in-the-future': ['签署时间在未来', 'The time of signing lies in the future'],
  'time-zone-assumed': ['签署时间未注明时区，按北京时间理解', 'No time zone was given; Beijing time is assumed'],
  'timestamp-unreadable': ['时间戳无法读取', 'The timestamp cannot be read'],
  'timestamp-over-other-data': ['时间戳针对的是其他数据', 'The timestamp is over other data'],
  'timestamp-signature-mismatch': ['时间戳的签名不正确', 'The timestamp’s signature is wrong'],
  'timestamp-weak-digest': ['时间戳使用了不安全的摘要算法', 'The timestamp uses a weak digest'],
  'timestamp-digest-unsupported': ['时间戳的摘要算法不受支持', 'The timestamp uses a digest that is not supported'],
  'timestamp-without-certificate': ['时间戳中没有证书', 'There is no certificate in the timestamp'],
  'timestamp-names-another-signer': ['时间戳指明了另一张证书', 'The timestamp names another certificate'],
  'timestamp-not-renewed': [
    '时间戳机构的证书其后已到期，且没有后续时间戳延续证明',
    'The timestamp authority’s certificate has ended since, and no later timestamp renews the proof',
  ],
  'timestamp-order': ['时间戳晚于覆盖它的时间戳', 'The timestamp is later than the one that covers it'],
  'timestamp-in-the-future': ['时间戳的时间在未来', 'The timestamp lies in the future'],
  // contents
  'digest-mismatch': ['受保护的内容已被改动', 'Protected content was changed'],
  'data-hash-mismatch': ['签名描述已被改动', 'The description of the signature was changed'],
  'message-digest-mismatch': ['内容与签名时不一致', 'The content is not what was signed'],
  'signature-mismatch': ['签名值不正确', 'The signature value is wrong'],
  'protected-file-missing': ['受保护的文件缺失', 'A protected file is missing'],
  'document-root-switched': ['所签的文档已被替换成另一份', 'What is shown is not the document that was signed'],
  'shown-but-not-signed': ['显示的部分内容未受签名保护', 'Something shown is outside every signature'],
  'signature-list-not-protected': ['签名列表未锁定，可能增减签名', 'The list of signatures is open: some may have been added or removed'],
  'entries-not-linked': ['文件包中有未被引用的内容', 'The package holds files that nothing links to'],
  'signature-files-not-listed': [
    '文件包中有未列出的签名文件，签名可能已被移除',
    'There are signature files that no list names: a signature may have been removed',
  ],
  'linked-file-missing': ['引用的文件不存在', 'A file that is linked to is missing'],
  'weak-digest': ['使用了不安全的摘要算法', 'A weak digest was used'],
  'no-references': ['签名未保护任何文件', 'The signature covers no file'],
  // seal
  'maker-signature-mismatch': ['印章本身的签名不正确，可能是伪造', 'The seal’s own signature is wrong: it may be forged'],
  'maker-invalid-after-making': ['制章人证书在制章之后失效', 'The seal maker’s certificate ended after the seal was made'],
  'signer-not-in-seal': ['签章人不在印章允许的名单内', 'The signer is not among those the seal allows'],
  'seal-weak-digest': ['印章使用了不安全的摘要算法', 'The seal was made with a weak digest'],
  'seal-expired': ['用印时印章已过期', 'The seal had expired when it was used'],
  'seal-not-yet-valid': ['用印时印章尚未生效', 'The seal was not valid yet when it was used'],
  'used-before-seal-was-made': ['用印时间早于制章时间', 'The seal was used before it was made'],
  'seal-file-differs': ['所附印章与签署所用不同', 'The seal file is not the seal that was used'],
  'seal-file-missing': ['引用的印章文件不存在，以签名值内的印章为准', 'The seal file is missing; the seal inside the signature counts'],
  'seal-outside-value': ['印章不在签名值之内', 'The seal is not part of the signature value'],
  'seal-unreadable': ['印章无法读取', 'The seal cannot be read'],
  'seal-made-before-maker-certificate': ['制章时间早于制章人证书生效时间', 'The seal was made before the maker’s certificate became valid'],
  'seal-made-outside-maker-validity': [
    '制章时间不在制章人证书有效期内',
    'The seal was made outside the validity of the maker’s certificate',
  ],
  'seal-made-after-its-timestamp': ['制章时间晚于印章时间戳', 'The seal was made after its timestamp'],
  'property-info-mismatch': ['签名值属于另一个签名文件', 'The value was made for another signature file'],
  'property-info-unknown': ['签名原文属性的格式未知', 'The property information is of an unknown form'],
  // signature form
  'no-certificate': ['签名中没有证书，无法判断签署者', 'No certificate inside: nobody can tell who signed'],
  'signer-missing': ['签名中没有签署者', 'There is no signer in the signature'],
  'several-signers': ['一个签名值中有多个签署者', 'There are several signers in one value'],
  'signature-algorithm-unsupported': ['签名算法不受支持', 'The signature algorithm is not supported'],
  'signature-algorithm-does-not-fit-key': ['签名算法与密钥不符', 'The stated algorithm does not fit the key'],
  'check-method-unsupported': ['摘要方法不受支持', 'The digest method is not supported'],
  'signature-list-missing': ['签名列表文件缺失', 'The list of signatures is missing'],
  'signature-list-empty': ['签名列表为空', 'The list of signatures is empty'],
  'signature-listed-twice': ['同一签名被列出两次', 'One signature is listed twice'],
  'signature-file-missing': ['签名文件缺失', 'A signature file is missing'],
  'signed-value-missing': ['签名值缺失', 'The signature value is missing'],
  'signed-value-unreadable': ['签名值无法读取', 'The signature value cannot be read'],
  'signed-value-trailing-bytes': ['签名值之后有多余数据', 'There are bytes after the signature value'],
  'references-contradict': ['同一文件有两个不同的摘要', 'One file is given two digests'],
  'too-many-signatures': ['签名过多', 'There are too many signatures'],
  'base-signature-missing': ['所依据的基签名不存在', 'The signature this one stands on is missing'],
  'base-signature-not-genuine': ['所依据的基签名无效', 'The signature this one stands on is not genuine'],
  // file
  'file-empty': ['文件是空的', 'The file is empty'],
  'file-too-large': ['文件过大', 'The file is too large'],
  'format-unknown': ['不是 OFD、PDF 或电子印章', 'Neither OFD nor PDF nor a seal'],
  'two-formats-in-one-file': ['文件同时是 PDF 和 OFD，会显示不同内容', 'The file is both PDF and OFD and would show two documents'],
  'encrypted-package': ['文件已加密', 'The file is encrypted'],
  'ofd-xml-missing': ['不是 OFD 文件包', 'The package is no OFD file'],
  'work-limit': ['文件过于复杂', 'The file is too complex'],
  'not-readable': ['文件无法安全读取', 'The file cannot be read safely'],
};

/** Codes of archives and XML that must not be read, and of deviations that were read nevertheless: one sentence for each kind. */
const KINDS: readonly (readonly [pattern: RegExp, words: ReasonEntry])[] = [
  [/^signed-data-(?!pkcs7)/, ['签名数据的结构自相矛盾', 'The parts of the signed data contradict each other']],
  [
    /^(compression-ratio|archive-too-large|entry-too-large|too-many-|xml-too-)/,
    ['文件内容超出安全限制', 'The file goes beyond the limits of what is safe to read'],
  ],
  [
    /^(encrypted-entry|compression-method|zip64)$/,
    ['文件包使用了不支持的压缩或加密方式', 'The package uses a compression or encryption that is not supported'],
  ],
  [
    /^(duplicate-entry|several-archives|hidden-entry|overlapping-entries|local-header-|entry-with-two-names|entry-is-link|directory-with-content)/,
    ['文件包有歧义，不同软件会读出不同内容', 'The package is ambiguous: two programs would read two documents'],
  ],
  [
    /^(absolute-entry-name|backslash-entry-name|path-traversal|entry-name-)/,
    ['文件包含有不安全的文件名', 'The package holds an unsafe file name'],
  ],
  [/^(not-a-zip|central-directory-|crc-mismatch|size-mismatch|entry-)/, ['文件包已损坏', 'The package is damaged']],
  [/^(xml-|ofd-xml-)/, ['文件内部结构有误', 'The inner structure of the file is faulty']],
  [
    /^(zip-|seal-|signature-|time-info-|timestamp-|version-|reference-|property-|signed-|data-hash-type$|check-method-odd$|type-differs-|stamp-)/,
    ['文件写法与标准略有出入，不影响结论', 'The file departs from the standard in a detail that changes nothing'],
  ],
];

/** Undefined for a code that is no reason of a verifier: show the code then. */
export function describeReason(code: string): ReasonWords | undefined {
  const own = WORDS[code] ?? PDF_WORDS[code] ?? ofRole(code) ?? [...PDF_KINDS, ...KINDS].find(([pattern]) => pattern.test(code))?.[1];
  return own && { zh: own[0], en: own[1] };
}

function ofRole(code: string): ReasonEntry | undefined {
  const [, prefix = '', role = '', rest = ''] = /^(seal-)?(signer|maker|timestamp)-(.+)$/.exec(code) ?? [];
  const who = ROLES[role];
  const what = OF_CERTIFICATES[rest];
  if (prefix && role === 'timestamp') return WORDS[`timestamp-${rest}`] ?? (who && what && [who[0] + what[0], who[1] + what[1]]);
  return who && what && [who[0] + what[0], who[1] + what[1]];
}
