/** A browser without a screen: cookies by host and path, redirects followed one by one, forms sent as they stand on the page. */
export interface Visit {
  url: string;
  status: number;
  html: string;
  headers: Headers;
}

interface Cookie {
  name: string;
  value: string;
  host: string;
  path: string;
}

export class TestBrowser {
  readonly cookies: Cookie[] = [];

  cookie(name: string): string | undefined {
    return this.cookies.find((cookie) => cookie.name === name)?.value;
  }

  cookieHeader(url: URL): string {
    return this.cookies
      .filter(({ host, path }) => host === url.host && `${url.pathname}/`.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  /** One request, no redirect. */
  async send(address: string | URL, init: RequestInit = {}): Promise<Visit> {
    const url = new URL(address);
    const headers = new Headers({ accept: 'text/html', ...Object.fromEntries(new Headers(init.headers)) });
    const cookies = this.cookieHeader(url);
    if (cookies) headers.set('cookie', cookies);
    const reply = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of reply.headers.getSetCookie()) this.keep(url, line);
    return { url: url.href, status: reply.status, html: await reply.text(), headers: reply.headers };
  }

  /** Follows redirects, as far as `stopAt` lets it. */
  async go(address: string | URL, init: RequestInit = {}, stopAt: (url: URL) => boolean = () => false): Promise<Visit> {
    let visit = await this.send(address, init);
    for (let step = 0; step < 20; step++) {
      const location = visit.headers.get('location');
      if (visit.status < 300 || visit.status > 399 || !location) return visit;
      const next = new URL(location, visit.url);
      if (stopAt(next)) return { ...visit, url: next.href };
      visit = await this.send(next);
    }
    throw new Error('redirected in a circle');
  }

  /** Sends the page's form with its hidden fields and these. */
  async submit(page: Visit, values: Record<string, string | string[]> = {}, stopAt?: (url: URL) => boolean): Promise<Visit> {
    const form = /<form[^>]*>[\s\S]*?<\/form>/.exec(page.html)?.[0];
    if (!form) throw new Error(`no form at ${page.url}: ${page.status} ${page.html.slice(0, 400)}`);
    const body = new URLSearchParams();
    for (const [input] of form.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      body.append(/name="([^"]*)"/.exec(input)?.[1] ?? '', /value="([^"]*)"/.exec(input)?.[1] ?? '');
    }
    for (const [name, value] of Object.entries(values)) for (const one of [value].flat()) body.append(name, one);
    const action = /<form[^>]*action="([^"]*)"/.exec(form)?.[1]?.replaceAll('&amp;', '&');
    return this.go(new URL(action ?? page.url, page.url), { method: 'POST', body }, stopAt);
  }

  private keep(url: URL, line: string): void {
    const [pair = '', ...attributes] = line.split(/;\s*/);
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    const attribute = (wanted: string) => attributes.find((a) => a.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
    const path = attribute('path') ?? '/';
    const index = this.cookies.findIndex((cookie) => cookie.name === name && cookie.host === url.host && cookie.path === path);
    if (index >= 0) this.cookies.splice(index, 1);
    const expires = attribute('expires');
    if (value !== '' && !(expires && Date.parse(expires) <= Date.now())) this.cookies.push({ name, value, host: url.host, path });
  }
}
