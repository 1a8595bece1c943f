// @ts-check
/**
 * A page about work under way: fetches itself every few seconds and takes over the parts that tell of progress. What has the focus is
 * left alone, so that nobody loses their place; hidden pages rest.
 */
const ASK_MS = 3_000;
const MOST_FAILURES = 5;
const PARTS = ['live-status', 'live-state', 'live-acts', 'live-files'];

const state = /** @type {HTMLElement} */ (document.getElementById('live-state'));
let status = state.dataset['live'];
let failures = 0;

async function renew() {
  if (document.hidden) return;
  const reply = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!reply.ok || reply.redirected) throw new Error(String(reply.status));
  const fresh = new DOMParser().parseFromString(await reply.text(), 'text/html');
  for (const id of PARTS) {
    const [here, there] = [document.getElementById(id), fresh.getElementById(id)];
    if (!here || !there || here.contains(document.activeElement) || here.innerHTML === there.innerHTML) continue;
    here.replaceChildren(...there.childNodes);
  }
  status = fresh.getElementById('live-state')?.dataset['live'];
}

async function goOn() {
  try {
    await renew();
    failures = 0;
  } catch {
    failures++;
  }
  if (status === 'running' && failures < MOST_FAILURES) setTimeout(goOn, ASK_MS);
  // The end of it changes more than progress: the page itself says it best, unless somebody is in the middle of something.
  else if (failures === 0 && document.activeElement === document.body) location.reload();
}

setTimeout(goOn, ASK_MS);
