// @ts-check
/** Reads the code by camera with zxing in WebAssembly, a few frames a second, and sends the form with what it read. */
const FRAMES_PER_SECOND = 8;
const MAX_FRAME_SIDE = 1280;

const camera = /** @type {HTMLElement | null} */ (document.querySelector('[data-camera]'));

if (camera && navigator.mediaDevices?.getUserMedia) {
  /** @param {string} name */
  const part = (name) => /** @type {HTMLElement} */ (camera.querySelector(`[data-${name}]`));
  const video = /** @type {HTMLVideoElement} */ (part('video'));
  const form = /** @type {HTMLFormElement} */ (camera.closest('form'));
  const field = /** @type {HTMLInputElement} */ (form.querySelector('[data-scanner-field]'));
  const canvas = document.createElement('canvas');
  /** @type {MediaStream | undefined} */
  let stream;
  /** @type {Promise<typeof import('zxing-wasm/reader')> | undefined} */
  let reader;

  /** @param {string} zh @param {string} en */
  const say = (zh, en) => {
    part('message').textContent = zh ? `${zh} ${en}` : '';
  };

  const loadReader = async () => {
    const zxing = /** @type {typeof import('zxing-wasm/reader')} */ (await import(camera.dataset['reader'] ?? ''));
    await zxing.prepareZXingModule({ overrides: { locateFile: () => camera.dataset['wasm'] ?? '' }, fireImmediately: true });
    return zxing;
  };

  const stop = () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = undefined;
    video.hidden = part('stop').hidden = true;
    part('start').hidden = false;
  };

  /** One frame, reduced to what the reader needs. */
  const frame = () => {
    const scale = Math.min(1, MAX_FRAME_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    const drawing = canvas.getContext('2d', { willReadFrequently: true });
    drawing?.drawImage(video, 0, 0, canvas.width, canvas.height);
    return drawing?.getImageData(0, 0, canvas.width, canvas.height);
  };

  const watch = async () => {
    while (stream) {
      const image = video.videoWidth > 0 ? frame() : undefined;
      const zxing = await reader;
      const found = image && zxing ? await zxing.readBarcodes(image, { formats: ['QRCode'], maxNumberOfSymbols: 1, tryHarder: true }) : [];
      const text = found[0]?.isValid ? found[0].text : '';
      if (stream && /^[0-9]{20,}$/.test(text)) return accept(text);
      if (stream && text) say('这不是亮证码。', 'This is not a licence code.');
      await new Promise((done) => setTimeout(done, 1000 / FRAMES_PER_SECOND));
    }
  };

  /** @param {string} digits */
  const accept = (digits) => {
    stop();
    navigator.vibrate?.(80);
    field.value = digits;
    // Without a purpose the browser points at it, and the code waits in the field.
    say('已读取。', 'Read.');
    form.requestSubmit();
  };

  const start = async () => {
    part('start').hidden = true;
    say('正在打开摄像头…', 'Opening the camera…');
    try {
      reader ??= loadReader();
      const wanted = { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } };
      stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
      video.srcObject = stream;
      video.hidden = part('stop').hidden = false;
      await video.play();
      await reader;
      say('请将二维码置于画面中央。', 'Hold the code in the middle of the picture.');
      await watch();
    } catch (error) {
      reader = undefined;
      stop();
      const refused = error instanceof DOMException && error.name === 'NotAllowedError';
      say(
        refused ? '浏览器未允许使用摄像头。' : '摄像头无法使用，请用扫码枪或输入短号。',
        refused ? 'The browser did not allow the camera.' : 'The camera cannot be used: type the number.',
      );
    }
  };

  camera.hidden = false;
  part('start').addEventListener('click', () => void start());
  part('stop').addEventListener('click', stop);
  addEventListener('pagehide', stop);
} else if (camera) {
  // Browsers offer the camera only over https or on the machine itself.
  camera.hidden = false;
  /** @type {HTMLElement} */ (camera.querySelector('[data-start]')).hidden = true;
  /** @type {HTMLElement} */ (camera.querySelector('[data-message]')).textContent =
    '此连接不能使用摄像头（需要 https）。The camera needs https.';
}
