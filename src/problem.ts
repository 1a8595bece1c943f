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
  'csrf-failed': [403, 'The form has expired. Please load the page again.', '表单已失效，请刷新页面后重试。'],
  unavailable: [503, 'The service cannot answer just now. Please try again.', '服务暂时不可用，请稍后再试。'],
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
