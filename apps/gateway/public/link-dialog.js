import { call, devicePath } from './api.js';
import { announce, byId, whileBusy } from './element.js';
import { readEvents } from './event-stream.js';

/** The dialog that links one device: its QR, kept fresh by the server's events, or a code for a number. */
export class LinkDialog {
  #dialog = byId('link');
  #deviceId = '';
  #watching = new AbortController();
  #countdown;

  constructor() {
    this.#dialog.addEventListener('close', () => this.#stop());
    byId('link-again').addEventListener('click', () => this.#start());
    const form = byId('by-code').querySelector('form');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void whileBusy(form.querySelector('button'), () => this.#requestCode(new FormData(form).get('phone')));
    });
  }

  open(deviceId) {
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
    this.#watching = new AbortController();
    void this.#watch(this.#watching.signal);
  }

  async #watch(signal) {
    const onEvent = (name, data) => {
      if (signal.aborted) return;
      if (name === 'qr') void this.#showQr(data, signal);
      if (name === 'paired') this.#end('paired', 'Linked.');
      if (name === 'failed') this.#end('failed', data.message || 'Linking failed.');
    };
    try {
      await readEvents(devicePath(this.#deviceId, '/login/stream'), onEvent, signal);
      if (!signal.aborted) this.#end('failed', 'The gateway ended the connection.');
    } catch (error) {
      if (signal.aborted) return;
      const lost = 'The connection to the gateway was lost.';
      this.#end(error.code === 'ALREADY_LOGGED_IN' ? 'paired' : 'failed', error.status ? error.message : lost);
    }
  }

  async #showQr({ expires_in: seconds }, signal) {
    const { qr_link: link } = await call('GET', devicePath(this.#deviceId, '/login')).catch(() => ({}));
    if (signal.aborted || !link) return;
    const image = byId('qr-image');
    image.src = link;
    await image.decode().catch(() => {});
    if (signal.aborted) return;
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
    if (state !== 'paired') return;
    const { signal } = this.#watching;
    // Unless the dialog has been opened for another device meanwhile.
    setTimeout(() => {
      if (signal === this.#watching.signal) this.#dialog.close();
    }, 1500);
  }

  #say(state, text) {
    this.#dialog.querySelector('.qr').dataset.state = state;
    byId('qr-state').textContent = text;
    byId('link-again').hidden = true;
    if (state !== 'ready') byId('qr-image').hidden = true;
  }

  #stop() {
    this.#watching.abort();
    clearInterval(this.#countdown);
    byId('qr-validity').value = 0;
  }
}
