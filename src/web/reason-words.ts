/**
 * Reasons of verdicts in plain words. Codes stay what programs go by; a code without words is shown as it is,
 * so a new reason is never hidden. What OFD and seals may be given has its words beside their verifier.
 */
import { describeReason } from '#documents/reason-words.ts';

export interface Words {
  zh: string;
  en: string;
}

const REASONS: Record<string, readonly [zh: string, en: string]> = {
  // who signed
  'no-path-to-anchor': ['签署者的证书不能追溯到本平台信任的机构', 'The signer’s certificate leads to no authority trusted here'],
  'maker-chain-untrusted': ['制章者的证书不受信任', 'The seal maker is not trusted here'],
  'signer-expired': ['签署时证书已过期', 'The certificate had expired when it signed'],
  'signer-not-yet-valid': ['签署时证书尚未生效', 'The certificate was not valid yet when it signed'],
  'signer-not-in-seal': ['签署者不在印章允许的名单内', 'The signer is not among those the seal allows'],
  'signer-wrong-key-usage': ['签署者证书的用途不允许签署', 'The certificate may not be used for signing'],
  'signer-wrong-profile': ['签署者证书不是印章或文件签名证书', 'Not a seal or document-signing certificate'],
  'signer-missing': ['签名中没有签署者', 'No signer in the signature'],
  'signer-certificate-missing': ['签名中没有签署者证书', 'No certificate of the signer inside'],
  'signer-is-a-ca': ['签署者使用了机构证书', 'Signed with an authority’s certificate'],
  revoked: ['签署者的证书已被吊销', 'The certificate was revoked'],
  'revocation-unknown': ['无法得知证书是否被吊销', 'Whether the certificate was revoked could not be learnt'],
  expired: ['证书已过期', 'A certificate has expired'],
  'not-yet-valid': ['证书尚未生效', 'A certificate is not valid yet'],
  'weak-algorithm': ['使用了不安全的算法', 'A weak algorithm was used'],
  'weak-digest': ['使用了不安全的摘要算法', 'A weak digest was used'],
  'unsupported-algorithm': ['使用了不支持的算法', 'The algorithm is not supported'],
  // time
  'time-not-proven': ['签署时间由签署方声称，没有时间戳证明', 'The time is the signer’s claim, no timestamp proves it'],
  'signing-time-unknown': ['没有签署时间', 'The time of signing is unknown'],
  'signed-in-the-future': ['签署时间在未来', 'The time of signing lies in the future'],
  'time-zone-assumed': ['签署时间未注明时区，按中国时间理解', 'No time zone was given; Chinese time is assumed'],
  // contents
  'digest-mismatch': ['受保护的内容已被改动', 'Protected content was changed'],
  'data-hash-mismatch': ['印章保护的内容已被改动', 'Content under the seal was changed'],
  'message-digest-mismatch': ['内容与签名时不一致', 'The content is not what was signed'],
  'signature-mismatch': ['签名值不正确', 'The signature value is wrong'],
  'signature-wrong': ['签名值不正确', 'The signature value is wrong'],
  'bad-signature': ['签名不正确', 'The signature does not fit'],
  'maker-signature-mismatch': ['印章本身的签名不正确', 'The seal’s own signature is wrong'],
  'change-not-allowed': ['签署之后有不允许的改动', 'Changed after signing in a way that is not allowed'],
  'change-outside-signature': ['签署之后追加了内容', 'Something was added after signing'],
  'shown-but-not-signed': ['显示的部分内容未受签名保护', 'Something shown is not signed'],
  'shown-unsigned': ['显示的部分内容未受签名保护', 'Something shown is not signed'],
  'protected-file-missing': ['受保护的文件缺失', 'A protected file is missing'],
  'bytes-after-signature': ['签名之后还有数据', 'There are bytes after the signature'],
  'form-filled': ['签署之后填写了表单', 'A form was filled in after signing'],
  'field-filled': ['签署之后填写了表单', 'A form was filled in after signing'],
  'signature-added': ['之后又加了签名', 'Another signature was added'],
  'signature-removed': ['有签名被移除', 'A signature was removed'],
  'ofd-locked': ['文件已加锁，不能再盖章', 'The file is locked against further seals'],
  'seal-expired': ['印章已过期', 'The seal has expired'],
  'seal-not-yet-valid': ['印章尚未生效', 'The seal is not valid yet'],
  'seal-file-differs': ['所附印章与签署所用不同', 'The seal file is not the one used'],
  'used-before-seal-was-made': ['用印时间早于制章时间', 'Used before the seal was made'],
  // form
  'file-empty': ['文件是空的', 'The file is empty'],
  'file-too-large': ['文件过大', 'The file is too large'],
  'format-unknown': ['不是 OFD、PDF 或电子印章', 'Neither OFD nor PDF nor a seal'],
  'not-a-zip': ['不是有效的 OFD 文件包', 'Not a valid OFD package'],
  'not-a-pdf': ['不是有效的 PDF', 'Not a valid PDF'],
  'encrypted-package': ['文件已加密，无法核验', 'Encrypted: cannot be judged'],
  'pdf-encrypted': ['文件已加密，无法核验', 'Encrypted: cannot be judged'],
  'compression-ratio': ['压缩比异常，可能是恶意文件', 'Suspicious compression, possibly malicious'],
  'two-formats-in-one-file': ['一个文件里混有两种格式', 'Two formats in one file'],
  'xml-doctype': ['含有不允许的 XML 声明', 'Contains a forbidden XML declaration'],
  'path-traversal': ['文件包内有越界路径', 'The package holds an unsafe path'],
  // codes
  'check-digit': ['短号校验位不对，请核对输入', 'The check digit is wrong: compare what was typed'],
  'wrong-length': ['位数不对，请重新扫码', 'Wrong number of digits: scan again'],
  'short-number-not-known': ['短号不存在或已过期，请持证人刷新后重试', 'Unknown or expired: ask the holder for a fresh one'],
  'key-not-known': ['码的签发方不明', 'The code’s issuer is not known'],
  'licence-not-known': ['没有这份证照', 'There is no such licence'],
  'status-suspended': ['证照处于暂扣状态', 'The licence is suspended'],
  'status-revoked': ['证照已撤销', 'The licence was withdrawn'],
  'status-punitively-revoked': ['证照已吊销', 'The licence was revoked as a penalty'],
  'status-cancelled': ['证照已注销', 'The licence was cancelled'],
  'status-expired': ['证照已过期', 'The licence has expired'],
  'status-superseded': ['证照已换发新版', 'A newer version replaced the licence'],
  'code-used-before': ['该码此前已被使用', 'The code had been used before'],
};

export function reasonWords(code: string): Words {
  const own = REASONS[code];
  return own ? { zh: own[0], en: own[1] } : (describeReason(code) ?? { zh: code, en: '' });
}
