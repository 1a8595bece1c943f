/** The body of an enrolment: base64 of a PKCS#10 request (RFC 8951 §3), where clients also send PEM or plain DER. */
import { Problem } from '#problem.ts';

/** A request of 16 kB in base64 with line ends. */
export const MAX_EST_BODY_BYTES = 24_576;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** DER or PEM text, for `parseCsr`. Throws Problem `csr-not-acceptable` for what is neither. */
export function readEstBody(body: unknown): Uint8Array | string {
  if (!Buffer.isBuffer(body) || body.length === 0) throw unreadable();
  if (body[0] === 0x30 && body[1] !== undefined && body[1] >= 0x80) return new Uint8Array(body);
  const text = body.toString('latin1');
  if (text.includes('-----BEGIN ')) return text;
  const bare = text.replace(/\s+/g, '');
  if (!BASE64.test(bare) || bare.length % 4 !== 0) throw unreadable();
  return new Uint8Array(Buffer.from(bare, 'base64'));
}

function unreadable(): Problem {
  return new Problem('csr-not-acceptable', {
    detail: 'The body is not base64 of a PKCS#10 request (application/pkcs10).',
    detailZh: '请求正文不是 PKCS#10 证书请求的 Base64 编码（application/pkcs10）。',
  });
}
