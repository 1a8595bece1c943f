// @ts-check
/** On the verdict page Enter leads to the next person, so that a counter with a gun needs no mouse. */
const next = /** @type {HTMLAnchorElement | null} */ (document.querySelector('[data-next]'));
next?.focus();
