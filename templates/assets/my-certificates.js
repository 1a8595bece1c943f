// @ts-check
/** My certificates: marks those whose key is in this browser, gets a new one, renews one. The key is kept before the request leaves. */
import { post, Refused, say, sayWhy } from './ask-server.js';
import { certificationRequest } from './certification-request.js';
import { base64url, findHindrance, fingerprintOf, forgetKey, keepKey, listHeldKeys, makeKeyPair } from './held-keys.js';

const TOOK = 'tongren-certificate-took';
const HINDRANCES = {
  'no-web-crypto': [
    '此连接不安全，浏览器不提供密钥功能。请改用 https 地址。',
    'This connection is not secure, so the browser makes no keys. Use the https address.',
  ],
  'no-key-store': [
    '浏览器不能保存密钥，可能处于无痕模式或禁用了网站数据。请换普通窗口再试。',
    'This browser keeps no keys: perhaps a private window, or site data is switched off. Use an ordinary window.',
  ],
};

const page = /** @type {HTMLElement} */ (document.querySelector('[data-certificates]'));
const trouble = /** @type {HTMLElement} */ (page.querySelector('[data-trouble]'));
const working = /** @type {HTMLElement} */ (page.querySelector('[data-working]'));
const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (page.querySelectorAll('[data-get]'));

/** @param {boolean} busy */
const show = (busy) => {
  working.hidden = !busy;
  for (const button of buttons) button.disabled = busy;
  page.setAttribute('aria-busy', String(busy));
};

/** @param {DOMStringMap} wanted of the button: `renews`, the certificate to be followed; `actsFor` and `mandate`, for whom the holder acts, which `acting` says of a renewal */
async function get({ renews, actsFor, mandate, acting }) {
  const began = performance.now();
  trouble.hidden = true;
  show(true);
  const pair = await makeKeyPair();
  const fingerprint = await fingerprintOf(pair.publicKey);
  const kept = { fingerprint, key: pair.privateKey, label: page.dataset['label'] ?? '', signsIn: !actsFor && !acting };
  await keepKey(kept);
  try {
    const requestId = base64url(crypto.getRandomValues(new Uint8Array(16)));
    const reply = await post('/my/certificates', page.dataset['csrf'] ?? '', {
      csr: await certificationRequest(pair),
      requestId,
      ...(renews ? { renews } : {}),
      ...(actsFor ? { actsFor } : {}),
      ...(mandate ? { mandate } : {}),
    });
    const { serial, notAfter } = await reply.json();
    await keepKey({ ...kept, serial, notAfter });
    sessionStorage.setItem(TOOK, String(Math.round(performance.now() - began)));
    location.assign(`/my/certificates/${serial}`);
  } catch (error) {
    // Without an answer the certificate may be there all the same: then the key finds it again by its fingerprint.
    if (error instanceof Refused && error.code !== 'offline' && error.code !== 'internal') await forgetKey(fingerprint);
    throw error;
  }
}

/** @param {HTMLElement} row @param {import('./held-keys.js').HeldKey[]} held */
async function mark(row, held) {
  const own = held.find(({ fingerprint }) => fingerprint === row.dataset['fingerprint']);
  const serial = row.dataset['serial'];
  if (own && own.serial === undefined && serial) await keepKey({ ...own, serial, notAfter: row.dataset['notAfter'] ?? '' });
  const place = /** @type {HTMLElement} */ (row.querySelector('[data-place]'));
  if (own) say(place, '在本浏览器', 'In this browser');
  else say(place, '不在本浏览器', 'Not in this browser');
  place.classList.toggle('badge-info', own !== undefined);
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll('[data-if-here]'))) part.hidden = own === undefined;
}

async function begin() {
  const took = sessionStorage.getItem(TOOK);
  const elapsed = /** @type {HTMLElement | null} */ (page.querySelector('[data-took]'));
  if (took && elapsed) {
    sessionStorage.removeItem(TOOK);
    elapsed.dataset['took'] = took;
    const seconds = (Number(took) / 1000).toFixed(2);
    say(elapsed, `证书已签发，用时 ${seconds} 秒。`, `Issued in ${seconds} s.`);
  }
  const hindrance = await findHindrance();
  if (hindrance) {
    const [zh = '', en = ''] = HINDRANCES[hindrance];
    say(trouble, zh, en);
    return;
  }
  const held = await listHeldKeys();
  for (const row of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll('[data-fingerprint]'))) await mark(row, held);
  for (const button of buttons) {
    button.disabled = false;
    button.addEventListener('click', () => {
      get(button.dataset).catch((error) => {
        show(false);
        sayWhy(trouble, error);
        // The page knows the way: prove the real name, or sign in again.
        if (error instanceof Refused && ['fresh-sign-in-needed', 'person-level-too-low'].includes(error.code)) {
          setTimeout(() => location.assign(location.pathname), 1_500);
        }
      });
    });
  }
}

await begin();
