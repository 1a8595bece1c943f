// @ts-check
/**
 * The field a scanner gun types into. Guns send key strokes: an input method may turn them full-width, some end with Tab,
 * some with line ends. Digits are cleaned as they come; a whole short number or code says so; Enter and Tab send the form.
 */
const SHORT_NUMBER_DIGITS = 20;
const MIN_CODE_DIGITS = 100;

const field = /** @type {HTMLInputElement | null} */ (document.querySelector('[data-scanner-field]'));
const form = field?.form;

/** @param {string} text */
const plainDigits = (text) => text.normalize('NFKC').replace(/[^0-9]/g, '');

if (field && form) {
  const count = /** @type {HTMLElement} */ (form.querySelector('[data-digit-count]'));
  let composing = false;

  const clean = () => {
    if (composing) return;
    const digits = plainDigits(field.value);
    const atEnd = field.selectionStart === field.value.length;
    // Short numbers are shown in fours, as on the holder's screen.
    const shown = digits.length <= SHORT_NUMBER_DIGITS ? digits.replace(/(.{4})(?=.)/g, '$1 ') : digits;
    if (shown !== field.value && atEnd) field.value = shown;
    count.textContent = digits.length === 0 ? '' : `${digits.length} 位数字 digits`;
  };

  const isComplete = () => {
    const { length } = plainDigits(field.value);
    return length === SHORT_NUMBER_DIGITS || length >= MIN_CODE_DIGITS;
  };

  field.addEventListener('compositionstart', () => {
    composing = true;
  });
  field.addEventListener('compositionend', () => {
    composing = false;
    clean();
  });
  field.addEventListener('input', clean);
  field.addEventListener('keydown', (event) => {
    // While an input method is composing, Enter belongs to it; a gun's Tab after a whole code means "done".
    const ends = event.key === 'Enter' || (event.key === 'Tab' && !event.shiftKey);
    if (!ends || event.isComposing || !isComplete()) return;
    event.preventDefault();
    form.requestSubmit();
  });

  // A gun may fire while the focus is elsewhere: digits that no other field wants go to this one.
  document.addEventListener('keydown', (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const elsewhere = target.closest('input:not([type="radio"]), textarea, select');
    if (elsewhere || event.ctrlKey || event.metaKey || event.altKey || !/^[0-9]$/.test(event.key)) return;
    event.preventDefault();
    field.focus();
    field.value += event.key;
    clean();
  });

  const other = /** @type {HTMLInputElement | null} */ (form.querySelector('input[name="otherPurpose"]'));
  const showOther = () => {
    const chosen = /** @type {HTMLInputElement | null} */ (form.querySelector('input[name="purpose"]:checked'));
    const wanted = chosen?.value === 'other';
    if (other) other.required = wanted;
    form.classList.toggle('purpose-other', wanted);
    if (chosen && !wanted) field.focus();
  };
  form.classList.add('with-script');
  form.addEventListener('change', (event) => {
    if (/** @type {HTMLInputElement} */ (event.target).name === 'purpose') showOther();
  });
  showOther();

  // A double Enter must not send twice; the request id would make it harmless anyway.
  let sent = false;
  form.addEventListener('submit', (event) => {
    if (sent) return event.preventDefault();
    field.value = plainDigits(field.value) || field.value;
    sent = true;
  });
  addEventListener('pageshow', () => {
    sent = false;
  });
}
