export interface OutboundRequest {
  method: 'GET' | 'POST';
  url: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  timeoutMs: number;
  maxBytes: number;
  /** What comes back carries a signature of its own, as lists and OCSP answers do: plain http will do (RFC 5280 §8, RFC 6960 §A.1). */
  signed?: boolean;
  /** What is looked for is public and proves something by where it stands, as a proof of control of a name does: plain http will do. */
  plain?: boolean;
}

export interface OutboundReply {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/** Every call to the outside. Throws Problem `outbound-refused` for an address the allow-list does not name, and for replies beyond the limits. */
export interface Outbound {
  request(request: OutboundRequest): Promise<OutboundReply>;
}
