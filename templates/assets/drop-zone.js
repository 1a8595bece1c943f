// @ts-check
/** A file dropped on the form is chosen and sent; too large a file is refused before it travels. */
for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll('form.drop-zone'))) {
  const input = /** @type {HTMLInputElement} */ (form.querySelector('input[type="file"]'));
  const tooLarge = /** @type {HTMLElement} */ (form.querySelector('[data-too-large]'));
  const working = /** @type {HTMLElement} */ (form.querySelector('[data-working]'));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('button[type="submit"]'));

  const isAcceptable = () => {
    const size = [...(input.files ?? [])].reduce((sum, file) => sum + file.size, 0);
    tooLarge.hidden = size <= Number(form.dataset['maxBytes']);
    return tooLarge.hidden;
  };

  input.addEventListener('change', isAcceptable);
  form.addEventListener('submit', (event) => {
    if (!isAcceptable()) return event.preventDefault();
    working.hidden = false;
    button.disabled = true;
  });
  // Coming back with the browser's button finds the form ready again.
  addEventListener('pageshow', () => {
    working.hidden = true;
    button.disabled = false;
  });

  let depth = 0;
  form.addEventListener('dragenter', () => form.classList.toggle('over', ++depth > 0));
  form.addEventListener('dragleave', () => form.classList.toggle('over', --depth > 0));
  form.addEventListener('dragover', (event) => event.preventDefault());
  form.addEventListener('drop', (event) => {
    event.preventDefault();
    depth = 0;
    form.classList.remove('over');
    if (!event.dataTransfer?.files.length) return;
    input.files = event.dataTransfer.files;
    if (isAcceptable()) form.requestSubmit();
  });
}
