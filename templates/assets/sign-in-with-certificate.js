// @ts-check
/** Signing in with a certificate whose key this browser holds. Where it holds none, nothing is shown. */
import { post, say, sayWhy } from './ask-server.js';
import { listHeldKeys, signWith } from './held-keys.js';

const place = /** @type {HTMLElement | null} */ (document.querySelector('[data-certificate-sign-in]'));

/** @param {HTMLElement} from @param {import('./held-keys.js').HeldKey} held */
async function signIn(from, { key, serial }) {
  const base = `${from.dataset['base']}/certificate`;
  const csrf = from.dataset['csrf'] ?? '';
  const { challenge, statement } = await (await post(`${base}/challenge`, csrf, {})).json();
  const signature = await signWith(key, new TextEncoder().encode(statement));
  const back = from.dataset['return'];
  const reply = await post(base, csrf, { challenge, serial, signature, ...(back ? { return: back } : {}) });
  location.assign((await reply.json()).location);
}

/** @param {HTMLElement} from */
async function offer(from) {
  const now = new Date().toISOString();
  const held = (await listHeldKeys()).filter(
    ({ serial, notAfter, signsIn }) => serial && signsIn !== false && (!notAfter || notAfter > now),
  );
  const trouble = /** @type {HTMLElement} */ (from.querySelector('[data-trouble]'));
  const list = /** @type {HTMLElement} */ (from.querySelector('[data-choices]'));
  for (const one of held) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'button';
    const whose = held.length > 1 ? ` ${one.label ?? ''} ····${one.serial?.slice(-4)}` : '';
    say(button, `用数字证书登录${whose}`, `Sign in with a certificate${whose}`);
    button.addEventListener('click', async () => {
      trouble.hidden = true;
      button.disabled = true;
      try {
        await signIn(from, one);
      } catch (error) {
        button.disabled = false;
        sayWhy(trouble, error);
      }
    });
    list.append(button);
  }
  from.hidden = held.length === 0;
}

// A browser that keeps no keys has none to offer.
if (place && globalThis.crypto?.subtle) await offer(place).catch(() => undefined);
