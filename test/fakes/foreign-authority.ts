/** An authority of another province: it certifies people, keeps a list and an OCSP responder, and people sign with tools of their own. */
import { randomBytes } from 'node:crypto';
import { encodeSignedAttributes, encodeSignedData } from '#crypto/cms.ts';
import { explicit, implicitPrimitive, oid, printableString, sequence } from '#crypto/encode-der.ts';
import { OID } from '#crypto/oids.ts';
import { digest, type Suite, signMessage } from '#crypto/suite.ts';
import type { OcspStatus } from '#pki/ocsp-encode-response.ts';
import type { Outbound, OutboundRequest } from '#ports/outbound.ts';
import { ocspResponse } from './ocsp-response.ts';
import {
  distributionPoints,
  type RawCertificate,
  type RawEntity,
  type RawEntry,
  rawAuthority,
  rawCertificate,
  rawCrl,
  uriName,
} from './raw-pki.ts';

const DAY_MS = 86_400_000;

export interface ForeignPerson extends RawEntity {
  /** As their tool sends it: CMS around the certificate, without the text. */
  cms(text: string, change?: { content?: string; suite?: Suite }): Uint8Array;
  /** The bare signature. */
  bare(text: string): Uint8Array;
}

export class ForeignAuthority {
  readonly root: RawEntity;
  readonly issuing: RawEntity;
  readonly #name = randomBytes(4).toString('hex');
  readonly #now: () => Date;
  readonly entries: RawEntry[] = [];
  /** How often anybody asked. */
  asked = 0;
  /** What it does when asked. */
  answers: 'list' | 'ocsp' | 'nothing' | 'stale' | 'unknown' = 'list';

  constructor(options: { suite?: Suite; now?: () => Date } = {}) {
    const suite = options.suite ?? 'es256';
    this.#now = options.now ?? (() => new Date());
    this.root = rawAuthority(undefined, { suite, subject: `邻省根 CA ${this.#name}`, notBefore: new Date('2020-01-01T00:00:00Z') });
    this.issuing = rawAuthority(this.root, { subject: `邻省个人 CA ${this.#name}`, suite, extensions: [this.#point('root')] });
  }

  #point(which: string) {
    return distributionPoints({ names: [uriName(`http://crl.${this.#name}.example.cn/${which}.crl`)] });
  }

  /** @param extensions besides where the list and the responder are. */
  person(number: string | undefined, options: RawCertificate = {}): ForeignPerson {
    const responder = sequence(sequence(oid(OID.ocspAccess), uriName(`http://ocsp.${this.#name}.example.cn/`)));
    const identify = number ? [{ oid: OID.gmIdentifyCode, value: implicitPrimitive(0, Buffer.from(number, 'latin1')) }] : [];
    const entity = rawCertificate(this.issuing, {
      subject: `林晓梅 ${this.#name}`,
      serial: Uint8Array.of(0x41, ...randomBytes(8)),
      keyUsage: ['digital-signature', 'non-repudiation'],
      ...options,
      extensions: [this.#point('people'), { oid: OID.authorityInfoAccess, value: responder }, ...identify, ...(options.extensions ?? [])],
    });
    return { ...entity, ...toolOf(entity, this.issuing) };
  }

  revoke(person: RawEntity, revokedAt = this.#now()): void {
    this.entries.push({ serial: person.certificate.serialBytes, revokedAt, reason: 1 });
  }

  /** The network as this authority's servers make it; everything else refuses. */
  outbound(): Outbound {
    return { request: (request) => this.#answer(request) };
  }

  async #answer({ method, url, body }: OutboundRequest) {
    const reply = (status: number, bytes: Uint8Array = new Uint8Array()) => ({ status, headers: new Headers(), body: bytes });
    if (!url.includes(this.#name)) throw new Error(`nobody is at ${url}`);
    this.asked += 1;
    const now = this.#now();
    const age = this.answers === 'stale' ? 30 * DAY_MS : 3_600_000;
    const thisUpdate = new Date(now.getTime() - age);
    const nextUpdate = new Date(thisUpdate.getTime() + DAY_MS);
    if (this.answers === 'nothing') return reply(503);
    if (method === 'GET') {
      // One that has a responder offers no list for people.
      if (this.answers !== 'list' && this.answers !== 'stale' && url.endsWith('people.crl')) return reply(404);
      const signer = url.endsWith('root.crl') ? this.root : this.issuing;
      return reply(200, rawCrl(signer, { thisUpdate, nextUpdate, entries: url.endsWith('root.crl') ? [] : this.entries }).der);
    }
    if (this.answers === 'list' || this.answers === 'stale') return reply(404);
    const about = this.known.find(({ certificate }) => Buffer.from(body as Uint8Array).includes(Buffer.from(certificate.serialBytes)));
    if (!about) return reply(404);
    const entry = this.entries.find(({ serial }) => Buffer.compare(serial, about.certificate.serialBytes) === 0);
    const status: OcspStatus =
      this.answers === 'unknown'
        ? { status: 'unknown' }
        : entry
          ? { status: 'revoked', revokedAt: entry.revokedAt ?? now, reason: 'key-compromise' }
          : { status: 'good' };
    const responder = { ...this.issuing, sign: async (bytes: Uint8Array) => signMessage(this.issuing.key, bytes) };
    return reply(200, await ocspResponse(responder, this.issuing.certificate, about.certificate, { status, thisUpdate, nextUpdate }));
  }

  /** Certificates whose status the responder tells. */
  readonly known: RawEntity[] = [];
}

/** What signs for who holds this key. */
export function toolOf({ certificate, key }: RawEntity, issuing: RawEntity): Pick<ForeignPerson, 'cms' | 'bare'> {
  return {
    bare: (text) => signMessage(key, Buffer.from(text, 'utf8')),
    cms: (text, { content } = {}) => {
      const suite = key.suite;
      const messageDigest = digest(suite === 'sm2-sm3' ? 'sm3' : 'sha256', Buffer.from(text, 'utf8'));
      const signedAttributes = encodeSignedAttributes({ messageDigest });
      return encodeSignedData({
        form: 'pkcs7',
        suite,
        certificates: [certificate.der, issuing.certificate.der],
        signedAttributes,
        signature: signMessage(key, signedAttributes),
        ...(content === undefined ? {} : { content: Buffer.from(content, 'utf8') }),
      });
    },
  };
}

export const identifyCode = {
  implicit: (number: string) => implicitPrimitive(0, Buffer.from(number, 'latin1')),
  explicit: (number: string) => explicit(0, printableString(number)),
  string: (number: string) => printableString(number),
  bare: (number: string) => Uint8Array.from(Buffer.from(number, 'latin1')),
  military: (number: string) => implicitPrimitive(1, Buffer.from(number, 'latin1')),
  passport: (number: string) => implicitPrimitive(2, Buffer.from(number, 'latin1')),
};
