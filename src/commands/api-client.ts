/** Calls our own `/api` as a system does: client credentials with a signed assertion (RFC 7523), tokens renewed in time. */
import { importJWK, importPKCS8, SignJWT } from 'jose';

export interface ApiAccess {
  /** For example https://id.example.gov.cn. */
  origin: string;
  clientId: string;
  /** The client's private key: PKCS #8 PEM of a P-256 key, or a JWK. */
  key: string;
  scope: string;
}

/** A Problem that the service answered. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly detailZh: string | undefined;

  constructor(
    status: number,
    problem: {
      code?: string;
      error?: string;
      detail?: string;
      detailZh?: string;
      title?: string;
      titleZh?: string;
      error_description?: string;
    },
  ) {
    const said = problem.detail ?? problem.error_description ?? problem.title ?? `status ${status}`;
    const saidZh = problem.detailZh ?? problem.titleZh;
    super(saidZh ? `${said} / ${saidZh}` : said);
    this.detail = said;
    this.detailZh = saidZh;
    this.status = status;
    this.code = problem.code ?? problem.error ?? 'unknown';
  }
}

type ApiBody = string | Uint8Array<ArrayBuffer> | Blob;

/** A token is renewed when less than this is left. */
const MARGIN_MS = 30_000;

export class ApiClient {
  readonly #access: ApiAccess;
  readonly #origin: string;
  #token: { value: string; until: number } | undefined;

  constructor(access: ApiAccess) {
    this.#access = access;
    this.#origin = access.origin.replace(/\/+$/, '');
  }

  get<T>(path: string): Promise<T> {
    return this.#json<T>('GET', path);
  }

  post<T>(path: string, body?: object): Promise<T> {
    return this.#json<T>('POST', path, body ? JSON.stringify(body) : undefined, 'application/json');
  }

  /** @param body a Blob of a file is read as it is sent. */
  async put(path: string, body: Uint8Array<ArrayBuffer> | Blob): Promise<void> {
    await this.#json('PUT', path, body, 'application/octet-stream');
  }

  async bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#call('GET', path)).arrayBuffer());
  }

  /**
   * The same as it comes, for what need not be held. Asked for only when it is read: a reply that nobody holds may be collected, and the
   * rest of its body is then lost without an error.
   */
  async *pieces(path: string): AsyncGenerator<Uint8Array, void> {
    const { body } = await this.#call('GET', path);
    if (body) yield* body;
  }

  async #json<T>(method: string, path: string, body?: ApiBody, type?: string): Promise<T> {
    return (await (await this.#call(method, path, body, type)).json()) as T;
  }

  /** Throws ApiRefusal, or an Error with one sentence when nobody answers. */
  async #call(method: string, path: string, body?: ApiBody, type?: string): Promise<Response> {
    const authorization = `Bearer ${await this.#accessToken()}`;
    const headers = { authorization, accept: 'application/json', ...(body !== undefined && type ? { 'content-type': type } : {}) };
    return this.#fetch(path, { method, headers, ...(body === undefined ? {} : { body }) });
  }

  async #accessToken(): Promise<string> {
    if (this.#token && this.#token.until > Date.now() + MARGIN_MS) return this.#token.value;
    const { clientId, scope } = this.#access;
    const issuer = `${this.#origin}/oidc`;
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: clientId, sub: clientId, aud: issuer, jti: crypto.randomUUID(), iat: now, exp: now + 60 };
    const { key, kid } = await readKey(this.#access.key);
    const assertion = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', ...(kid ? { kid } : {}) }).sign(key);
    const reply = await this.#fetch('/oidc/token', {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
        scope,
        resource: `${this.#origin}/api`,
      }),
    });
    const { access_token: value, expires_in: seconds } = (await reply.json()) as { access_token: string; expires_in: number };
    this.#token = { value, until: Date.now() + seconds * 1_000 };
    return value;
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    let reply: Response;
    try {
      reply = await fetch(`${this.#origin}${path}`, init);
    } catch (cause) {
      throw new Error(`${this.#origin} does not answer. / 服务没有响应。`, { cause });
    }
    if (reply.ok) return reply;
    throw new ApiRefusal(reply.status, (await reply.json().catch(() => ({}))) as object);
  }
}

async function readKey(text: string): Promise<{ key: CryptoKey | Uint8Array; kid?: string }> {
  if (!text.trimStart().startsWith('{')) return { key: await importPKCS8(text, 'ES256') };
  const jwk = JSON.parse(text) as { kid?: string };
  return { key: await importJWK(jwk, 'ES256'), ...(jwk.kid ? { kid: jwk.kid } : {}) };
}
