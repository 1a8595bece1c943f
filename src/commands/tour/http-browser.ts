/**
 * A person's browser without a screen, for the tour: keeps cookies, follows redirects, fills in the forms it was served.
 * It understands our own pages and no others.
 */
interface Cookie {
  value: string;
  path: string;
  expiresAt: number;
}

export interface Page {
  url: URL;
  status: number;
  contentType: string;
  bytes: Uint8Array;
  text: string;
}

export interface Form {
  action: URL;
  method: string;
  multipart: boolean;
  fields: Record<string, string>;
}

interface Visit {
  method?: string;
  body?: URLSearchParams | FormData | string;
  headers?: Record<string, string>;
  /** An address that is not fetched: the visit ends with the redirect that leads there. */
  stopAt?: string;
}

const MAX_REDIRECTS = 20;

export class HttpBrowser {
  /** By host name, as browsers do: the port does not keep cookies apart. */
  readonly #cookies = new Map<string, Map<string, Cookie>>();

  /** Opens an address, following redirects with GET. */
  async open(address: string | URL, { stopAt, ...init }: Visit = {}): Promise<Page> {
    let url = new URL(address);
    let request: Omit<Visit, 'stopAt'> = init;
    for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
      const reply = await fetch(url, {
        ...request,
        redirect: 'manual',
        headers: { accept: 'text/html', ...request.headers, cookie: this.#cookieHeader(url) },
      });
      this.#remember(url, reply.headers.getSetCookie());
      const location = reply.headers.get('location');
      if (reply.status < 300 || reply.status > 399 || !location) {
        const bytes = new Uint8Array(await reply.arrayBuffer());
        return {
          url,
          status: reply.status,
          contentType: reply.headers.get('content-type') ?? '',
          bytes,
          text: Buffer.from(bytes).toString('utf8'),
        };
      }
      await reply.arrayBuffer();
      const next = new URL(location, url);
      const keepsMethod = reply.status === 307 || reply.status === 308;
      request = keepsMethod ? request : {};
      url = next;
      if (stopAt && next.href.startsWith(stopAt)) return { url, status: reply.status, contentType: '', bytes: new Uint8Array(), text: '' };
    }
    throw new Error(`More than ${MAX_REDIRECTS} redirects, last to ${url.pathname}.`);
  }

  /** Fills in and sends a form of a page. `values` replace what the page proposed. */
  async submit(
    page: Page,
    choose: (form: Form) => boolean,
    values: Record<string, string> = {},
    visit: Pick<Visit, 'stopAt'> = {},
  ): Promise<Page> {
    const form = formsOf(page).find(choose);
    if (!form) throw new Error(`The expected form is not on ${page.url.pathname} (${page.status}).`);
    const fields = { ...form.fields, ...values };
    if (form.method === 'get') {
      const url = new URL(form.action);
      url.search = new URLSearchParams(fields).toString();
      return this.open(url);
    }
    const body = form.multipart ? new FormData() : new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    return this.open(form.action, { method: 'POST', body, headers: { origin: page.url.origin }, ...visit });
  }

  /** The value of a cookie, if the browser has it. */
  cookie(host: string, name: string): string | undefined {
    return [...(this.#cookies.get(host) ?? [])].find(([key]) => key.startsWith(`${name};`))?.[1].value;
  }

  #cookieHeader(url: URL): string {
    const jar = this.#cookies.get(url.hostname) ?? new Map<string, Cookie>();
    return [...jar]
      .filter(
        ([, cookie]) =>
          cookie.expiresAt > Date.now() &&
          (url.pathname === cookie.path || url.pathname.startsWith(cookie.path.endsWith('/') ? cookie.path : `${cookie.path}/`)),
      )
      .map(([key, cookie]) => `${key.split(';')[0]}=${cookie.value}`)
      .join('; ');
  }

  #remember(url: URL, lines: readonly string[]): void {
    const jar = this.#cookies.get(url.hostname) ?? new Map<string, Cookie>();
    this.#cookies.set(url.hostname, jar);
    for (const line of lines) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      const attribute = (wanted: string) =>
        attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
      const maxAge = attribute('max-age');
      const expires = attribute('expires');
      const expiresAt =
        maxAge !== undefined ? Date.now() + Number(maxAge) * 1000 : expires ? Date.parse(expires) : Number.POSITIVE_INFINITY;
      const path = attribute('path') ?? '/';
      const key = `${name};${path}`;
      if (expiresAt <= Date.now() || value === '') jar.delete(key);
      else jar.set(key, { value, path, expiresAt });
    }
  }
}

/** The forms of a page with what they would send untouched. */
export function formsOf(page: Page): Form[] {
  return [...page.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, head = '', body = '']) => ({
    action: new URL(attributeOf(head, 'action') ?? page.url.href, page.url),
    method: (attributeOf(head, 'method') ?? 'get').toLowerCase(),
    multipart: attributeOf(head, 'enctype') === 'multipart/form-data',
    fields: fieldsOf(body),
  }));
}

function fieldsOf(body: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [, head = ''] of body.matchAll(/<input\b([^>]*)>/g)) {
    const name = attributeOf(head, 'name');
    const type = attributeOf(head, 'type') ?? 'text';
    if (!name || type === 'file' || type === 'submit') continue;
    if ((type === 'checkbox' || type === 'radio') && !/\bchecked\b/.test(head)) continue;
    fields[name] = attributeOf(head, 'value') ?? (type === 'checkbox' ? 'on' : '');
  }
  for (const [, head = '', options = ''] of body.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/g)) {
    const name = attributeOf(head, 'name');
    const all = [...options.matchAll(/<option\b([^>]*)>/g)].map(([, option = '']) => option);
    const chosen = all.find((option) => /\bselected\b/.test(option)) ?? all[0];
    if (name && chosen) fields[name] = attributeOf(chosen, 'value') ?? '';
  }
  for (const [, head = '', text = ''] of body.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/g)) {
    const name = attributeOf(head, 'name');
    if (name) fields[name] = unescapeHtml(text);
  }
  return fields;
}

function attributeOf(head: string, name: string): string | undefined {
  const match = new RegExp(`(?:^|\\s)${name}=(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`).exec(head);
  return match ? unescapeHtml(match[1] ?? match[2] ?? match[3] ?? '') : undefined;
}

function unescapeHtml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}
