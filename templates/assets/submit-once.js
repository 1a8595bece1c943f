// @ts-check
/** A form whose work takes a moment is sent once and says so. */
for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll('form[data-submit-once]'))) {
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (form.querySelectorAll('button[type="submit"]'));
  /** @param {boolean} busy */
  const show = (busy) => {
    form.setAttribute('aria-busy', String(busy));
    for (const button of buttons) button.disabled = busy;
  };
  form.addEventListener('submit', () => show(true));
  addEventListener('pageshow', () => show(false));
}
