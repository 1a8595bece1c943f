// @ts-check
/** Signing a PDF with a key of this browser: the server says which bytes, the browser signs them, the server builds the file in again. */
import { post, Refused, say, sayWhy } from './ask-server.js';
import { listHeldKeys, signWith } from './held-keys.js';

const form = /** @type {HTMLFormElement} */ (document.querySelector('[data-sign-pdf]'));
/** @param {string} name */
const part = (name) => /** @type {HTMLElement} */ (form.querySelector(`[data-${name}]`));
const input = /** @type {HTMLInputElement} */ (form.querySelector('input[type="file"]'));
const choice = /** @type {HTMLSelectElement} */ (form.querySelector('select[name="serial"]'));
const button = /** @type {HTMLButtonElement} */ (form.querySelector('button'));
const maxBytes = Number(form.dataset['maxBytes']);

/** @param {string} name */
const signedName = (name) => `${name.replace(/\.pdf$/i, '').slice(0, 80) || 'document'}-signed.pdf`;

async function sign() {
  const file = input.files?.[0];
  const held = (await listHeldKeys()).find(({ serial }) => serial === choice.value);
  if (!file || !held) return;
  if (file.size > maxBytes)
    throw new Refused({ titleZh: part('too-large').dataset['zh'] ?? '', title: part('too-large').dataset['en'] ?? '' });
  const csrf = form.dataset['csrf'] ?? '';
  /** @param {Record<string, string>} fields */
  const sent = (fields) => {
    const body = new FormData();
    for (const [name, value] of Object.entries({ serial: choice.value, ...fields })) body.append(name, value);
    body.append('file', file);
    return body;
  };
  const prepared = await (await post('/my/certificates/sign/prepare', csrf, sent({}))).json();
  const bytes = Uint8Array.from(atob(prepared.toBeSigned), (letter) => letter.charCodeAt(0));
  // Signed attributes of a document (DER, a SET) and nothing else: never a sign-in, never a certificate.
  if (bytes[0] !== 0x31) throw new Refused({});
  const signature = await signWith(held.key, bytes);
  const reply = await post('/my/certificates/sign/finish', csrf, sent({ signedAt: prepared.signedAt, signature }));
  const link = /** @type {HTMLAnchorElement} */ (part('download'));
  if (link.href) URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(await reply.blob());
  link.download = signedName(file.name);
  const reached = reply.headers.get('x-signature-level') ?? 'b';
  for (const line of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll('[data-level]')))
    line.hidden = line.dataset['level'] !== reached;
  part('done').hidden = false;
  link.focus();
}

async function begin() {
  const here = new Set((await listHeldKeys().catch(() => [])).map(({ serial }) => serial));
  for (const option of [...choice.options]) if (!here.has(option.value)) option.remove();
  const none = choice.options.length === 0;
  part('none').hidden = !none;
  part('fields').hidden = none;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    part('trouble').hidden = part('done').hidden = true;
    button.disabled = true;
    say(part('working'), '正在签名…', 'Signing…');
    try {
      await sign();
    } catch (error) {
      sayWhy(part('trouble'), error);
    } finally {
      part('working').hidden = true;
      button.disabled = false;
    }
  });
}

await begin();
