import { call, devicePath } from './api.js';
import { announce, byId, whileBusy } from './element.js';

/** The dialog that links one device: its QR, kept fresh by the server's events, or a code for a number. */
export class LinkDialog {
  #dialog = byId('link');
  #deviceId = '';
  #events;
  #countdown;
  #onEnd;

  /** `onEnd()` is called when the dialog closes, however it does. */
  constructor({ onEnd }) {
    this.#onEnd = onEnd;
    this.#dialog.addEventListener('close', () => {
      this.#stop();
      this.#onEnd();
    });
    byId('link-again').addEventListener('click', () => this.#start());
    const form = byId('by-code').querySelector('form');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void whileBusy(form.querySelector('button'), () => this.#requestCode(new FormData(form).get('phone')));
    });
  }

  open({ device_id: deviceId }) {
    this.#deviceId = deviceId;
    byId('link-title').textContent = `Link ${deviceId}`;
    byId('by-code').open = false;
    byId('pair-code').hidden = true;
    this.#dialog.showModal();
    this.#start();
  }

  #start() {
    this.#stop();
    this.#say('waiting', 'Asking for a QR …');
    const events = new EventSource(devicePath(this.#deviceId, '/login/stream'));
    this.#events = events;
    events.addEventListener('qr', (event) => void this.#showQr(JSON.parse(event.data)));
    events.addEventListener('paired', () => this.#end('paired', 'Linked.'));
    events.addEventListener('failed', (event) => {
      const { reason } = JSON.parse(event.data);
      this.#end('failed', reason || 'Linking failed.');
    });
    // While the browser reconnects by itself it is not closed.
    events.addEventListener('error', () => {
      if (events.readyState === EventSource.CLOSED) void this.#explain();
    });
  }

  /** A refused event stream carries no reason; the same question asked plainly does. */
  async #explain() {
    try {
      await call('GET', devicePath(this.#deviceId, '/login'));
      this.#end('failed', 'The connection to the gateway was lost.');
    } catch (error) {
      this.#end(error.code === 'ALREADY_LOGGED_IN' ? 'paired' : 'failed', error.message);
    }
  }

  async #showQr({ expires_in: seconds }) {
    const events = this.#events;
    const { qr_link: link } = await call('GET', devicePath(this.#deviceId, '/login')).catch(() => ({}));
    if (events !== this.#events || !link) return;
    const image = byId('qr-image');
    image.src = link;
    await image.decode().catch(() => {});
    if (events !== this.#events) return;
    this.#say('ready', 'Scan this with the phone.');
    image.alt = `QR to link ${this.#deviceId}`;
    image.hidden = false;
    this.#countDown(seconds);
  }

  #countDown(seconds) {
    clearInterval(this.#countdown);
    const validity = byId('qr-validity');
    const endsAt = performance.now() + seconds * 1000;
    const tick = () => {
      validity.value = Math.max(0, endsAt - performance.now()) / (seconds * 1000);
    };
    tick();
    this.#countdown = setInterval(tick, 500);
  }

  async #requestCode(phone) {
    const shown = byId('pair-code');
    try {
      const digits = String(phone).replace(/\D/g, '');
      const { pair_code: code } = await call('POST', `${devicePath(this.#deviceId, '/login/code')}?phone=${digits}`);
      shown.textContent = code.replace(/^(.{4})(.{4})$/, '$1-$2');
      shown.classList.remove('bad');
      announce(`The code is ${[...code].join(' ')}`);
    } catch (error) {
      shown.textContent = error.message;
      shown.classList.add('bad');
    }
    shown.hidden = false;
  }

  #end(state, text) {
    this.#stop();
    this.#say(state, text);
    byId('link-again').hidden = state !== 'failed';
    announce(text);
    if (state === 'paired') setTimeout(() => this.#dialog.close(), 1500);
  }

  #say(state, text) {
    this.#dialog.querySelector('.qr').dataset.state = state;
    byId('qr-state').textContent = text;
    byId('link-again').hidden = true;
    if (state !== 'ready') byId('qr-image').hidden = true;
  }

  #stop() {
    this.#events?.close();
    this.#events = undefined;
    clearInterval(this.#countdown);
    byId('qr-validity').value = 0;
  }
}
