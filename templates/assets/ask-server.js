// @ts-check
/** Asking our own server from a page's module, and showing a refusal in plain words, Chinese first. */

/** A refusal with the words the server found for it. */
export class Refused extends Error {
  /** @param {{ code?: string, detail?: string, detailZh?: string, title?: string, titleZh?: string }} problem */
  constructor(problem) {
    super(problem.code ?? 'internal');
    this.code = problem.code ?? 'internal';
    this.zh = problem.detailZh ?? problem.titleZh ?? '操作未成功，请稍后再试。';
    this.en = problem.detail ?? problem.title ?? 'That did not work. Please try again later.';
  }
}

/** @param {string} path @param {string} csrf @param {BodyInit | object} body a FormData goes as it is, anything else as JSON */
export async function post(path, csrf, body) {
  const isForm = body instanceof FormData;
  const headers = { accept: 'application/json', 'x-csrf-token': csrf, ...(isForm ? {} : { 'content-type': 'application/json' }) };
  /** @type {Response} */
  let reply;
  try {
    reply = await fetch(path, { method: 'POST', headers, body: isForm ? body : JSON.stringify(body) });
  } catch {
    throw new Refused({ code: 'offline', titleZh: '网络不通，请稍后再试。', title: 'No connection. Please try again.' });
  }
  if (!reply.ok) throw new Refused(await reply.json().catch(() => ({})));
  return reply;
}

/** @param {HTMLElement} place @param {string} zh @param {string} en */
export function say(place, zh, en) {
  const english = document.createElement('span');
  english.className = 'en';
  english.lang = 'en';
  english.textContent = en;
  place.replaceChildren(document.createTextNode(zh), english);
  place.hidden = false;
}

/** @param {HTMLElement} place @param {unknown} error */
export function sayWhy(place, error) {
  const { zh, en } = error instanceof Refused ? error : new Refused({});
  say(place, zh, en);
}
