/** Why a path is refused: a code for programs, a sentence in two languages for people, and the certificate it belongs to. */
import type { StatusFault } from './judge-status.ts';

const WORDS = {
  'no-path-to-anchor': ['不能追溯到受信任的机构', 'leads to no authority that is trusted here'],
  'bad-signature': ['证书签名不正确', 'carries a signature that its issuer did not make'],
  'unsupported-algorithm': ['使用了不支持的算法', 'uses an algorithm that is not supported'],
  'weak-algorithm': ['使用了不安全的算法或过短的密钥', 'uses a weak algorithm or too short a key'],
  expired: ['当时已过期', 'had expired'],
  'not-yet-valid': ['当时尚未生效', 'was not valid yet'],
  'not-a-ca': ['无权签发证书', 'may not issue certificates'],
  'path-too-long': ['证书链超过允许的长度', 'has more authorities below it than it allows'],
  'wrong-key-usage': ['密钥用途不允许此操作', 'has a key that is not for this use'],
  'wrong-purpose': ['不用于此目的', 'is not for this purpose'],
  'unknown-critical-extension': ['含有未知的关键扩展', 'has a critical extension that is not known'],
  'unsupported-constraint': ['名称约束的形式无法判断', 'has a name of a form whose constraint cannot be judged'],
  'malformed-extension': ['扩展的编码有误', 'has an extension that cannot be read'],
  'name-not-permitted': ['名称不在上级机构获准的范围内', 'has a name that an authority above it may not certify'],
  'policy-not-acceptable': ['没有可接受的证书策略', 'is under no policy that is acceptable'],
  'name-mismatch': ['不是所要访问的名称', 'does not name the peer that was meant'],
  'rules-broken': ['违反所要求的证书规范', 'breaks a rule that was asked for'],
  'anchor-not-trusted-then': ['信任列表在该时间不信任此机构', 'is not in the trust list for that time'],
  'issued-after-distrust': ['签发时间晚于信任列表允许的时间', 'was issued after the trust list stopped taking new certificates'],
  revoked: ['已被吊销', 'was revoked'],
  'revocation-unknown': ['无法得知是否被吊销', 'may be revoked: nothing current was to be had'],
  'work-limit': ['证书链过于复杂，未继续查找', 'is too tangled: the search was given up'],
} as const satisfies Record<string, readonly [zh: string, en: string]>;

export type PathReason = keyof typeof WORDS;
export const PATH_REASONS = Object.keys(WORDS) as readonly PathReason[];

export interface PathFinding {
  reason: PathReason;
  /** Which certificate of the path: 0 is the leaf. */
  index: number;
  /** Further words for experts: the clause broken, the policy or extension meant, what was wrong with a list. */
  detail?: string;
}

/** Why a list or an answer that was there did not help. */
const FAULTS: Readonly<Record<StatusFault, readonly [zh: string, en: string]>> = {
  'crl-stale': ['吊销列表已过期', 'a list is out of date'],
  'crl-signer-unknown': ['吊销列表的签发者无法确认', 'a list is by nobody who may sign it'],
  'crl-not-understood': ['吊销列表含有未知的关键扩展', 'a list has a critical extension that is not known'],
  'crl-weak-algorithm': ['吊销列表使用了不安全的算法', 'a list is signed with a weak algorithm'],
  'crl-rules-broken': ['吊销列表违反所要求的规范', 'a list breaks a rule that was asked for'],
  'crl-reasons-missing': ['吊销列表未涵盖全部吊销原因', 'the lists leave some reasons out'],
  'crl-damaged': ['吊销列表已损坏', 'a list is damaged'],
  'ocsp-other-certificate': ['应答是关于其他证书的', 'an answer is about another certificate'],
  'ocsp-responder-not-found': ['应答者的证书未找到', 'the certificate of a responder is missing'],
  'ocsp-responder-not-authorised': ['应答者未获授权', 'a responder is not authorised'],
  'ocsp-responder-not-valid': ['应答者的证书无效', 'the certificate of a responder is not valid'],
  'ocsp-bad-signature': ['应答的签名不正确', 'the signature of an answer is wrong'],
  'ocsp-unsupported-algorithm': ['应答使用了不支持的算法', 'an answer uses an algorithm that is not supported'],
  'ocsp-weak-algorithm': ['应答使用了不安全的算法', 'an answer is signed with a weak algorithm'],
  'ocsp-unknown-critical-extension': ['应答含有未知的关键扩展', 'an answer has a critical extension that is not known'],
  'ocsp-not-yet-valid': ['应答的时间在未来', 'an answer is of a later time'],
  'ocsp-stale': ['应答已过期', 'an answer is out of date'],
  'ocsp-work-limit': ['应答过多，未全部查看', 'there are too many answers to look at'],
  'ocsp-nonce-differs': ['应答与请求不符', 'an answer is to another request'],
};

/** One sentence about the certificate meant; for revocation that could not be learnt, also why not. */
export function describeFinding({ reason, detail }: Pick<PathFinding, 'reason' | 'detail'>): { zh: string; en: string } {
  const [zh, en] = WORDS[reason];
  const faults = reason === 'revocation-unknown' ? (detail ?? '').split(' ').map((code) => FAULTS[code as StatusFault]) : [];
  const told = faults.filter((words) => words !== undefined);
  if (told.length === 0) return { zh: `证书${zh}`, en: `The certificate ${en}` };
  return {
    zh: `证书${zh}：${told.map(([words]) => words).join('；')}`,
    en: `The certificate ${en}; ${told.map(([, words]) => words).join('; ')}`,
  };
}
