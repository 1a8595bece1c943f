/**
 * The error catalogue. Rooms throw `Problem(code)`; the status and the sentences live only here, and one place in
 * `web/` renders them (RFC 9457 on the API, a plain sentence on a page). A failed verification is a verdict, not a Problem.
 */

/** code → [HTTP status, English, Chinese]. Sentences are for people; programs read the code. */
export const CATALOGUE = {
  internal: [500, 'Something went wrong on our side.', '系统内部出错，请稍后再试。'],
  'not-found': [404, 'There is nothing at this address.', '您访问的内容不存在。'],
  'invalid-input': [422, 'Some of the input is not acceptable.', '部分输入不符合要求，请检查。'],
  'malformed-request': [400, 'The request cannot be read.', '无法识别该请求。'],
  'too-large': [413, 'The upload is larger than allowed.', '上传内容超过大小限制。'],
  'unsupported-media-type': [415, 'This kind of content is not accepted here.', '不支持该内容类型。'],
  'too-many-requests': [429, 'Too many attempts. Please wait.', '操作过于频繁，请稍候再试。'],
  'not-signed-in': [401, 'Please sign in first.', '请先登录。'],
  'not-allowed': [403, 'You are not allowed to do this.', '您没有权限进行此操作。'],
  'second-factor-needed': [
    403,
    'Acting for an organisation takes two factors: confirm with the password, an SMS code or a certificate as well.',
    '办理机构业务须使用两种认证方式，请再用密码、短信验证码或数字证书确认一次。',
  ],
  'csrf-failed': [403, 'The form has expired. Please load the page again.', '表单已失效，请刷新页面后重试。'],
  'file-too-costly': [422, 'This file takes more time or memory to process than allowed.', '该文件处理所需的时间或内存超出限制。'],
  'position-not-chosen': [403, 'Choose first in which position you act.', '请先选择任职机构和岗位。'],
  'pdf-not-signable': [422, 'This PDF cannot be signed.', '该 PDF 无法签署。'],
  'pdf-encrypted': [422, 'This PDF is encrypted and cannot be signed.', '该 PDF 已加密，无法签署。'],
  'picture-not-usable': [422, 'The picture is not a PNG that can be used.', '图片不是可用的 PNG 格式。'],
  'pdf-not-extendable': [422, 'The signatures of this PDF cannot be kept provable for longer.', '无法延长该 PDF 签名的可验证期限。'],
  'timestamp-not-usable': [502, 'The timestamp authority gave no usable timestamp.', '时间戳机构未给出可用的时间戳。'],
  'validation-data-missing': [422, 'Revocation data of a certificate could not be had.', '无法取得证书的吊销信息。'],
  unavailable: [503, 'The service cannot answer just now. Please try again.', '服务暂时不可用，请稍后再试。'],
  // people
  'person-not-found': [404, 'This person is not known here.', '未找到该人员。'],
  'citizen-number-taken': [
    409,
    'This citizen number already belongs to another account. A service desk can help.',
    '该公民身份号码已绑定其他账号，请到服务窗口办理。',
  ],
  'phone-taken': [409, 'This phone number already belongs to another account.', '该手机号已绑定其他账号。'],
  'real-name-mismatch': [422, 'Name and number do not match the population register.', '姓名与公民身份号码不一致，请核对后重试。'],
  'organisation-not-found': [404, 'This organisation is not known here.', '未找到该机构。'],
  'organisation-code-taken': [409, 'An organisation with this code is already registered.', '该代码的机构已登记。'],
  'not-representative': [403, 'Only the registered legal representative may do this.', '仅限登记的法定代表人办理。'],
  'mandate-not-found': [404, 'There is no such mandate.', '未找到该授权委托。'],
  'mandate-not-in-force': [409, 'This mandate has ended or was withdrawn.', '该授权委托已到期或已撤销。'],
  // access
  'own-position': [403, 'Nobody appoints themselves: another operator does it.', '不得为本人任命岗位，请由其他运维人员办理。'],
  'roles-conflict': [409, 'These roles may not be held by one person.', '这些岗位不能由同一人担任。'],
  'approval-not-found': [404, 'There is no such request.', '未找到该申请。'],
  'approval-pending': [409, 'A request for this is already waiting.', '同一事项已有待审批的申请。'],
  'approval-not-pending': [409, 'This request was already decided.', '该申请已处理。'],
  'approval-not-approved': [409, 'This has not been approved, or was carried out already.', '该事项未获批准或已办理。'],
  'approval-expired': [409, 'The request has expired.', '该申请已过期。'],
  'approval-changed': [409, 'This is not what was approved.', '内容与审批时不一致。'],
  'same-person': [403, 'Someone else must decide on this request.', '不能审批本人提交的申请。'],
  // sign-in
  'sign-in-failed': [401, 'The account or the password is not right.', '账号或密码不正确。'],
  'sign-in-locked': [
    429,
    'Too many failed attempts. Please wait, or sign in with an SMS code.',
    '登录失败次数过多，请稍后再试，或使用短信验证码登录。',
  ],
  'fresh-sms-needed': [403, 'Please confirm with an SMS code first.', '请先用短信验证码确认是您本人。'],
  'sms-not-sent': [503, 'The message could not be sent. Please try again.', '短信发送失败，请稍后再试。'],
  'sms-code-wrong': [401, 'The code is not right.', '验证码不正确。'],
  'sms-code-expired': [401, 'The code has expired or was used. Please ask for a new one.', '验证码已失效，请重新获取。'],
  'registration-expired': [401, 'The registration took too long. Please ask for a new code.', '注册已超时，请重新获取验证码。'],
  'character-not-in-font': [422, 'A character of the text is in none of the fonts.', '文字中含有字库没有的字符。'],
  'text-does-not-fit': [422, 'A text does not fit the place the form has for it.', '文字超出版面可容纳的长度。'],
  'picture-not-possible': [422, 'No picture can be made of this page.', '无法生成该页面的图像。'],
  'seal-name-length': [422, 'A name on a seal has 1 to 30 characters.', '印章名称应为 1 至 30 个字。'],
  // oidc, jobs, outbound
  'interaction-not-found': [
    400,
    'This sign-in has expired or was finished. Please start again from the app.',
    '本次登录已失效或已完成，请回到应用重新发起。',
  ],
  'client-not-found': [404, 'This app is not registered here.', '该应用未登记。'],
  'client-taken': [409, 'An app with this identifier is already registered.', '该应用标识已被登记。'],
  'client-not-active': [403, 'This app is suspended.', '该应用已停用。'],
  'logout-not-found': [404, 'There is no such log-out report.', '未找到该退出记录。'],
  'signing-key-not-found': [404, 'There is no such token key.', '未找到该令牌密钥。'],
  'outbound-refused': [403, 'This address may not be called.', '不允许访问该外部地址。'],
  'outbound-failed': [502, 'The other system did not answer as it should.', '对方系统未正常响应。'],
  // codes
  'code-key-rotation-running': [409, 'Another key is about to take over already.', '已有新密钥等待启用，请勿重复轮换。'],
  // licences
  'licence-not-found': [404, 'This licence is not known here.', '未找到该证照。'],
  'licence-not-in-force': [409, 'This licence is not in force.', '该证照当前无效。'],
  'licence-not-replaceable': [409, 'This licence can not be replaced in its present state.', '该证照当前状态不能换发。'],
  'licence-transition-not-allowed': [409, 'This change of status is not possible.', '不允许进行该状态变更。'],
  'licence-type-not-found': [404, 'This type of licence is not known here.', '未找到该证照类型。'],
  'licence-issue-unfinished': [503, 'The licence is still being made. Please look again in a minute.', '证照正在制作，请稍后查看。'],
  'request-id-taken': [409, 'This request number was used for something else.', '该请求编号已用于其他事项。'],
  // seals
  'seal-not-found': [404, 'This seal is not known here.', '未找到该印章。'],
  'seal-not-usable': [409, 'The organisation has no seal that may be used for this now.', '该机构暂无可用于此事项的印章。'],
  'seal-use-not-allowed': [403, 'The rules of this seal do not allow this use.', '该印章的使用规则不允许此次用印。'],
  'seal-daily-limit': [429, 'This seal was used today as often as its rules allow.', '该印章今日用印次数已达上限。'],
  'seal-transition-not-allowed': [409, 'This is not possible in the present state of the seal.', '印章当前状态不允许此操作。'],
  'seal-job-not-found': [404, 'This seal job is not known here.', '未找到该批量用印任务。'],
  'seal-job-state': [409, 'This is not possible in the present state of the job.', '任务当前状态不允许此操作。'],
  'seal-job-too-large': [422, 'A job holds no more files than this.', '任务文件数量已达上限。'],
  'file-not-sealed': [409, 'This file has not been sealed.', '该文件尚未加盖印章。'],
  // certificates
  'certificate-not-found': [404, 'This certificate is not known here.', '未找到该证书。'],
  'certificate-already-revoked': [409, 'This certificate was revoked before.', '该证书已吊销。'],
  'certificate-not-held': [409, 'This certificate is not on hold.', '该证书未被挂起。'],
  'certificate-refused': [422, 'A certificate like this is not issued.', '不符合证书签发规范，拒绝签发。'],
  'log-entry-not-found': [404, 'The issuance log has no such entry.', '签发日志中没有该条目。'],
  'log-missing': [503, 'The issuance log has no signed head yet.', '签发日志尚未签名发布。'],
  'trust-entry-not-found': [404, 'There is no such trust list entry.', '未找到该信任列表条目。'],
  'trust-entry-exists': [409, 'This authority is in the trust list already.', '该机构已在信任列表中。'],
  'trust-entry-state': [409, 'The trust list entry is in another state.', '该信任列表条目当前状态不允许此操作。'],
  'trust-list-missing': [503, 'The trust list has not been signed yet.', '信任列表尚未签发。'],
  'authority-not-current': [409, 'This authority was replaced already.', '该签发机构已被替换。'],
  'authority-exists': [409, 'There is a root already, with another key.', '根证书已存在，且密钥不同。'],
  'authority-missing': [503, 'The certificate authority has not been set up yet.', '证书签发机构尚未初始化。'],
  // enrolment
  'csr-not-acceptable': [422, 'This certification request (PKCS#10) is not acceptable.', '该证书请求（PKCS#10）不可接受。'],
  'certificate-request-not-found': [404, 'There is no such certificate request.', '未找到该证书申请。'],
  'certificate-request-settled': [409, 'This certificate request was settled already.', '该证书申请已办结。'],
  'certificate-request-expired': [409, 'This certificate request has expired.', '该证书申请已过期。'],
  'domain-not-proven': [409, 'Control of a domain name is not proven yet.', '域名控制权尚未全部验证。'],
  'certificate-request-changed': [409, 'This is not what was asked for.', '内容与申请时不一致。'],
  'certificate-limit': [409, 'No more certificates of this kind may be held at the same time.', '同类有效证书数量已达上限。'],
  'certificate-key-compromised': [409, 'This key was reported as compromised. Make a new key.', '该密钥已被报告泄露，请生成新的密钥。'],
  'certificate-key-of-other-kind': [
    409,
    'This key has a certificate of another kind. Make a new key.',
    '该密钥已用于其他种类的证书，请生成新的密钥。',
  ],
  'certificate-key-not-made-here': [
    422,
    'A key of this kind is made by its holder only, never by us.',
    '此类密钥只能由持有人自行生成，平台不代为生成。',
  ],
  'certificate-key-not-archived': [404, 'No key is kept for this certificate.', '该证书没有归档的密钥。'],
  'encryption-certificate-taken': [
    409,
    'This certificate has its encryption certificate already. A lost key is recovered by two operators.',
    '该证书已领取过加密证书；密钥丢失请申请恢复（须两名管理员审批）。',
  ],
  'key-recovery-not-found': [404, 'There is no such key recovery.', '未找到该密钥恢复申请。'],
  'pfx-suite-not-offered': [
    422,
    'PKCS#12 files are made for P-256 keys only; readers of SM2 files do not agree on a form.',
    'PKCS#12 文件仅支持 P-256 密钥；SM2 密钥文件各家格式不一，不予导出。',
  ],
  'pfx-password-too-weak': [
    422,
    'The password of a key file has 12 to 128 printable ASCII characters of three kinds.',
    '密钥文件口令须为12至128位可打印 ASCII 字符，且至少包含三类字符。',
  ],
  'certificate-key-in-use': [409, 'This key has a certificate already. Make a new key.', '该密钥已有证书，请生成新的密钥。'],
  'certificate-not-usable': [409, 'This certificate is not in force.', '该证书不在有效状态，不能使用。'],
  'certificate-not-renewable': [409, 'This certificate cannot be renewed now.', '该证书当前不能续期。'],
  'certificate-sign-in-failed': [401, 'Signing in with this certificate did not succeed.', '证书登录未成功。'],
  'foreign-certificate-proof-wrong': [
    401,
    'The signature is not over the text shown here, is too late, or is not by the key of the certificate. Get a new text and try again.',
    '签名与本页文本或证书不符，或文本已过期、已使用。请重新获取文本后再试。',
  ],
  'foreign-certificate-refused': [403, 'This certificate is not accepted.', '不接受该证书。'],
  'foreign-certificate-status-unknown': [
    403,
    'Whether this certificate was revoked could not be learnt from its authority, so it is not accepted now. Try again later.',
    '暂时无法向签发机构确认该证书是否被吊销，因此不予接受，请稍后再试。',
  ],
  'foreign-certificate-not-linked': [
    403,
    'The certificate is right, but no account here has added it. Sign in another way and add it under “My certificates”.',
    '证书有效，但尚未添加到任何账号。请先用其他方式登录，在“数字证书”页面添加后再使用。',
  ],
  'foreign-certificate-other-person': [403, 'This certificate does not name you.', '该证书登记的不是您本人。'],
  'foreign-certificate-linked': [409, 'This certificate was added already.', '该证书已添加过。'],
  'foreign-certificate-not-found': [404, 'There is no such certificate of another authority.', '未找到该外部证书。'],
  'person-level-too-low': [403, 'Your real name must be confirmed first.', '请先完成实名认证。'],
  'fresh-sign-in-needed': [403, 'Please sign in again first: your last proof is too long ago.', '距上次验证身份时间过长，请重新登录确认。'],
  'held-signature-wrong': [422, 'This signature does not belong to this file and certificate.', '签名与文件或证书不符。'],
  'device-not-found': [404, 'This device is not registered.', '未登记该设备。'],
  'device-taken': [409, 'A device with this serial number is registered already.', '该序列号的设备已登记。'],
  'enrolment-token-refused': [401, 'This enrolment token is not valid.', '注册口令无效或已使用。'],
  // data keys
  'reseal-not-needed': [409, 'There is one data key only: nothing can lie under an older one.', '只有一个数据密钥，没有旧密钥加密的数据。'],
  'data-key-in-use': [409, 'This data key is the one that seals, or one that has yet to.', '该数据密钥正在使用或尚未启用。'],
  'data-key-needed': [409, 'Something may still lie under this data key.', '可能仍有数据由该密钥加密。'],
  'data-keys-used-up': [
    // signer
    409,
    'All 255 numbers of data keys are taken; none is ever used twice.',
    '255 个数据密钥编号已全部使用，编号不会重复使用。',
  ],
  'key-succession-running': [409, 'Another successor of this key was made just now.', '该密钥刚刚已被轮换。'],
  'key-exists': [409, 'A key of this name exists already.', '同名密钥已存在。'],
  'key-retired': [410, 'This key was retired and signs nothing any more.', '该密钥已停用，不再签名。'],
  'key-not-found': [404, 'There is no key of this name.', '未找到该密钥。'],
  'suite-not-offered': [422, 'The key store does not offer this algorithm.', '密钥设备不支持该算法。'],
  'signing-refused': [403, 'This key does not sign this.', '该密钥不允许签署此内容。'],
  'signing-too-fast': [429, 'This key has signed too often just now.', '该密钥签名过于频繁，请稍后再试。'],
  'key-store-unavailable': [503, 'The device that holds the keys does not answer.', '密钥设备暂时不可用，请稍后再试。'],
  'signer-log-unavailable': [503, 'The signing service cannot write its log and so signs nothing.', '签名服务无法写入日志，已停止签名。'],
  'signer-unavailable': [503, 'The signing service does not answer.', '签名服务暂时不可用。'],
  // documents: OFD signing
  'ofd-not-readable': [422, 'This is not an OFD file that can be read safely.', '该文件不是可安全读取的 OFD 文件。'],
  'ofd-not-sealable': [422, 'This OFD file is built in a way that cannot be sealed.', '该 OFD 文件的结构不支持加盖电子印章。'],
  'ofd-locked': [409, 'This file is locked by a signature: no further seal can be added.', '该文件已被签名锁定，不能再加盖印章。'],
  'seal-signer-mismatch': [409, 'This certificate may not use this seal.', '该证书无权使用此印章。'],
} as const satisfies Record<string, readonly [number, string, string]>;

export type ProblemCode = keyof typeof CATALOGUE;

/** One faulty field: an RFC 6901 pointer into the input, and what is wrong with it in both languages. */
export interface FieldFault {
  pointer: string;
  detail: string;
  detailZh?: string;
}

export interface ProblemOptions {
  /** A sentence about this case, free of personal data and of internals. */
  detail?: string;
  detailZh?: string;
  errors?: readonly FieldFault[];
  retryAfterSeconds?: number;
  /** For the log only. */
  cause?: unknown;
}

/** A refusal that the caller may read. */
export class Problem extends Error {
  override name = 'Problem';
  readonly code: ProblemCode;
  readonly detail: string | undefined;
  readonly detailZh: string | undefined;
  readonly errors: readonly FieldFault[];
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(options.detail ?? CATALOGUE[code][1], { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.detailZh = options.detailZh;
    this.errors = options.errors ?? [];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  get status(): number {
    return CATALOGUE[this.code][0];
  }
}

/** A Problem about one field. */
export function faultyField(pointer: string, detail: string, detailZh?: string): Problem {
  return new Problem('invalid-input', { errors: [{ pointer, detail, ...(detailZh ? { detailZh } : {}) }] });
}
