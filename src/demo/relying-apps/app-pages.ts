/** Pages of a demo app: plain strings, everything from outside escaped, no script at all. */
import type { AppSession } from './app-sessions.ts';
import type { CityApp } from './city-apps.ts';

export interface PageContext {
  app: CityApp;
  /** The other app of the city. */
  other: { name: { zh: string; en: string }; origin: string };
  /** Origin of the identity service. */
  provider: string;
}

const LABELS: Readonly<Record<string, [string, string]>> = {
  name: ['姓名', 'Name'],
  phone_number: ['手机号', 'Mobile number'],
  citizen_number_masked: ['身份证号', 'Citizen number'],
  citizen_number: ['身份证号（完整）', 'Citizen number, whole'],
  assurance_level: ['实名等级', 'Assurance level'],
  organisations: ['任职单位', 'Organisations'],
  acr: ['本次认证强度', 'Strength of this sign-in'],
  amr: ['认证方式', 'Methods'],
};

const METHODS: Readonly<Record<string, string>> = {
  pwd: '密码 password',
  sms: '短信验证码 SMS code',
  mfa: '多因素 multi-factor',
  face: '人脸 face',
  swk: '数字证书 certificate',
  pop: '其他机构的证书 certificate of another authority',
  hwk: '硬件密钥 hardware key',
};

export function escapeHtml(text: unknown): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return String(text).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

const both = ({ zh, en }: { zh: string; en: string }) => `${escapeHtml(zh)}<small lang="en">${escapeHtml(en)}</small>`;

function layout({ app }: PageContext, title: string, body: string): string {
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · ${escapeHtml(app.name.zh)} ${escapeHtml(app.name.en)}</title>
<link rel="icon" href="/mark.svg" type="image/svg+xml"><link rel="stylesheet" href="/style.css"></head>
<body><header><div class="wrap"><a class="brand" href="/">${mark(app)}<span>${both(app.name)}</span></a><span class="slogan">${both(app.slogan)}</span></div></header>
<main class="wrap">${body}</main>
<footer class="wrap"><p>${both({ zh: '演示应用，人员信息均为虚构', en: 'A demo app: all people are invented' })}</p></footer></body></html>`;
}

export function mark(app: CityApp): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="36" height="36" aria-hidden="true"><rect width="24" height="24" rx="6" fill="${app.colours.main}"/><path d="${app.mark}" transform="translate(3 3) scale(.75)" fill="none" stroke="#fff" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round"/></svg>`;
}

function services(app: CityApp): string {
  return `<ul class="services">${app.services.map((service) => `<li>${both(service)}</li>`).join('')}</ul>`;
}

export function welcomePage(context: PageContext, notice?: { zh: string; en: string }): string {
  const { app } = context;
  return layout(
    context,
    '首页',
    `${notice ? `<p class="notice" role="status">${both(notice)}</p>` : ''}
<section class="hero"><h1>${both({ zh: `欢迎来到${app.name.zh}`, en: `Welcome to ${app.name.en}` })}</h1>
<p>${both({ zh: '用全市统一账号登录，一次登录，处处通行。', en: 'Sign in with the city-wide account: once, for every app.' })}</p>
<a class="button" href="/sign-in">${both({ zh: '用“通认”登录', en: 'Sign in with Tongren' })}</a></section>
<h2>${both({ zh: '城市服务', en: 'Services' })}</h2>${services(app)}`,
  );
}

export function homePage(context: PageContext, session: AppSession): string {
  const { app, other } = context;
  const rows = Object.entries(LABELS).flatMap(([name, [zh, en]]) =>
    session.claims[name] === undefined ? [] : [`<dt>${both({ zh, en })}</dt><dd>${escapeHtml(inWords(name, session.claims[name]))}</dd>`],
  );
  const name = typeof session.claims['name'] === 'string' ? session.claims['name'] : '市民';
  return layout(
    context,
    '我的',
    `<section class="hero"><h1>${both({ zh: `您好，${name}`, en: 'You are signed in' })}</h1>
<p>${both({ zh: `${session.signedInAt.toLocaleTimeString('zh-CN', { timeZone: 'Asia/Shanghai' })} 登录`, en: 'signed in with the city-wide account' })}</p>
<div class="row"><a class="button" href="${escapeHtml(other.origin)}/sign-in">${both({ zh: `打开${other.name.zh}`, en: `Open ${other.name.en}` })}</a>
<form method="post" action="/sign-out"><button class="button plain">${both({ zh: '退出登录', en: 'Sign out' })}</button></form></div></section>
<div class="columns"><section><h2>${both({ zh: '本应用得到的信息', en: 'What this app was given' })}</h2><dl>${rows.join('')}
<dt>${both({ zh: '您在本应用的编号', en: 'Your subject here' })}</dt><dd><code>${escapeHtml(session.subject)}</code></dd></dl>
<p class="quiet">${both({ zh: '每个应用得到的编号都不同，应用之间无法拼接您的信息。', en: 'Every app gets a different number, so apps cannot put your data together.' })}</p></section>
<section><h2>${both({ zh: '城市服务', en: 'Services' })}</h2>${services(app)}</section></div>`,
  );
}

export function signedOutPage(context: PageContext): string {
  return layout(
    context,
    '已退出',
    `<section class="hero"><h1>${both({ zh: '您已退出登录', en: 'You are signed out' })}</h1>
<p>${both({ zh: '其他用同一账号登录的应用也会收到退出通知。', en: 'The other apps you used with this account are told as well.' })}</p>
<div class="row"><a class="button" href="${escapeHtml(context.provider)}/logged-out">${both({ zh: '查看各应用退出结果', en: 'See which apps confirmed' })}</a>
<a class="button plain" href="/">${both({ zh: '返回首页', en: 'Home' })}</a></div></section>`,
  );
}

export function failedPage(context: PageContext, refused: boolean): string {
  const words = refused
    ? { zh: '您没有同意授权，登录已取消。', en: 'You refused, so you are not signed in.' }
    : { zh: '登录没有完成，请重试。', en: 'The sign-in was not completed. Please try again.' };
  return layout(
    context,
    '登录未完成',
    `<section class="hero"><h1>${both({ zh: '登录未完成', en: 'Not signed in' })}</h1><p>${both(words)}</p>
<div class="row"><a class="button" href="/sign-in">${both({ zh: '重新登录', en: 'Try again' })}</a><a class="button plain" href="/">${both({ zh: '返回首页', en: 'Home' })}</a></div></section>`,
  );
}

/** Codes of the protocol in words people read. */
function inWords(name: string, value: unknown): string {
  const level = /^urn:tongren:acr:(\d)$/.exec(String(value))?.[1];
  if (name === 'acr' && level) return `${level} 级 · level ${level}`;
  if (name === 'amr' && Array.isArray(value)) return value.map((method) => METHODS[String(method)] ?? String(method)).join('、');
  return shown(value);
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join('、');
  if (typeof value === 'object' && value !== null) return Object.values(value).map(shown).join(' ');
  return String(value);
}

export function styleSheet({ colours }: CityApp): string {
  return `*{box-sizing:border-box}html{font:16px/1.6 system-ui,"PingFang SC","Noto Sans SC","Noto Sans CJK SC",sans-serif;color:#1c2430;background:#f5f6f8}
body{margin:0;min-height:100vh;display:flex;flex-direction:column}.wrap{width:100%;max-width:60rem;margin:0 auto;padding:0 1.25rem}
small{display:block;font-size:.8em;font-weight:400;opacity:.75;line-height:1.3}
header{background:#fff;border-bottom:1px solid #e3e6ea}header .wrap{display:flex;justify-content:space-between;align-items:center;gap:1rem;padding-top:.75rem;padding-bottom:.75rem}
.brand{display:flex;align-items:center;gap:.75rem;font-weight:700;font-size:1.2rem;color:${colours.dark};text-decoration:none;line-height:1.2}.slogan{color:#5a6472;text-align:right}
main.wrap{flex:1;padding-top:1.5rem;padding-bottom:2rem}h1{margin:0 0 .5rem;font-size:1.75rem;line-height:1.3}h2{font-size:1.15rem;margin:1.75rem 0 .75rem}
.hero{background:linear-gradient(135deg,${colours.main},${colours.dark});color:#fff;border-radius:1rem;padding:2rem 1.75rem}.hero p{margin:.25rem 0 1.25rem}
.row{display:flex;flex-wrap:wrap;gap:.75rem}.row form{margin:0}
.button{display:inline-block;min-height:48px;padding:.55rem 1.4rem;border:2px solid #fff;border-radius:.6rem;background:#fff;color:${colours.dark};font:inherit;font-weight:600;text-decoration:none;cursor:pointer;line-height:1.3}
.button.plain{background:transparent;color:#fff}.button:focus-visible,a:focus-visible{outline:3px solid #ffb000;outline-offset:2px}
.services{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.75rem}
.services li{background:#fff;border:1px solid #e3e6ea;border-left:4px solid ${colours.main};border-radius:.6rem;padding:.8rem 1rem;font-weight:600}
.columns{display:grid;gap:0 2rem;grid-template-columns:1fr}@media(min-width:48rem){.columns{grid-template-columns:3fr 2fr}}
dl{margin:0;background:#fff;border:1px solid #e3e6ea;border-radius:.6rem;padding:.25rem 1.25rem;display:grid;grid-template-columns:minmax(7rem,auto) 1fr}
dt,dd{margin:0;padding:.7rem 0;border-bottom:1px solid #eef0f3}dt{color:#5a6472;padding-right:1rem}dd{font-weight:600;overflow-wrap:anywhere}dt:last-of-type,dd:last-of-type{border:0}
code{font-size:.85em}.quiet{color:#5a6472;font-size:.9rem}.notice{background:${colours.light};border-left:4px solid ${colours.main};border-radius:.4rem;padding:.7rem 1rem;margin:0 0 1rem}
footer.wrap{color:#5a6472;font-size:.85rem;padding-top:1rem;padding-bottom:1.5rem}@media(max-width:30rem){.slogan{display:none}h1{font-size:1.45rem}.hero{padding:1.5rem 1.25rem}}`;
}
