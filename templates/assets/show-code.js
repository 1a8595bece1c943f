// @ts-check
/**
 * The page that shows a code: renews it before it dies, counts down, keeps the screen awake, rests while the page is hidden
 * (a code nobody sees is not made), and says when a counter has just looked.
 */
const RENEW_EARLY_SECONDS = 3;
const ASK_FOR_LOOK_UPS_MS = 4_000;
const RETRY_MS = 2_000;

const card = /** @type {HTMLElement} */ (document.querySelector('[data-show-code]'));
/** @param {string} name */
const part = (name) => /** @type {HTMLElement} */ (card.querySelector(`[data-${name}]`));
const picture = /** @type {HTMLImageElement} */ (part('picture'));
const ring = /** @type {SVGCircleElement} */ (/** @type {unknown} */ (part('ring')));

let lifeMs = Number(card.dataset['lifeSeconds']) * 1000;
/** On this page's own clock: a phone's time of day may be wrong. */
let diesAt = performance.now() + lifeMs;
let renewing = false;
/** @type {string | undefined} */
let lastLookUp;

/** @param {string} digits */
const inGroups = (digits) => digits.replace(/(.{4})(?=.)/g, '$1 ');

async function renew() {
  if (renewing) return;
  renewing = true;
  const asked = performance.now();
  try {
    const reply = await fetch(card.dataset['address'] ?? '', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', 'x-csrf-token': card.dataset['csrf'] ?? '' },
      body: JSON.stringify({ withName: card.dataset['withName'] === '1' }),
    });
    // Signed out, or the licence is no longer in force: the page itself says it best.
    if (reply.status >= 400 && reply.status < 500 && reply.status !== 429) return location.reload();
    if (!reply.ok) throw new Error(String(reply.status));
    const code = await reply.json();
    picture.src = `data:image/svg+xml;base64,${btoa(code.svg)}`;
    part('short').textContent = code.shortNumber ? inGroups(code.shortNumber) : '暂不可用 not available';
    lifeMs = code.lifeSeconds * 1000;
    diesAt = asked + lifeMs;
    part('trouble').hidden = true;
  } catch {
    part('trouble').hidden = performance.now() < diesAt;
    await new Promise((done) => setTimeout(done, RETRY_MS));
  } finally {
    renewing = false;
  }
}

function tick() {
  const left = Math.max(0, diesAt - performance.now());
  part('countdown').textContent = String(Math.ceil(left / 1000));
  ring.style.strokeDashoffset = String(100 - (100 * left) / lifeMs);
  card.classList.toggle('expired', left === 0);
  if (!document.hidden && left < RENEW_EARLY_SECONDS * 1000) void renew();
}

async function lookForLookUps() {
  if (document.hidden) return;
  try {
    const reply = await fetch('/api/my/look-ups/latest', { headers: { accept: 'application/json' } });
    if (!reply.ok) return;
    const { lookUp } = await reply.json();
    const isNew = lastLookUp !== undefined && lookUp && lookUp.id !== lastLookUp;
    lastLookUp = lookUp?.id ?? '';
    if (!isNew || lookUp.licenceIdentifier !== card.dataset['licence']) return;
    part('seen-by').textContent = `${lookUp.organisationName}，${lookUp.purpose.zh}`;
    part('seen').hidden = false;
    void renew();
  } catch {
    // Without network the countdown says what matters.
  }
}

async function stayAwake() {
  try {
    if (!document.hidden) await navigator.wakeLock?.request('screen');
  } catch {
    // Low battery or not offered: the hint about the screen remains.
  }
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  tick();
  void stayAwake();
});
setInterval(tick, 250);
setInterval(lookForLookUps, ASK_FOR_LOOK_UPS_MS);
void stayAwake();
void lookForLookUps();
tick();
