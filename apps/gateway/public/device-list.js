import { call } from './api.js';
import { createDeviceCard, toStateWords } from './device-card.js';
import { announce, byId, notify, whileBusy } from './element.js';

/** The devices, redrawn only when something about them changed, so that focus and a reader's place are kept. */
export class DeviceList {
  #shown = new Map();
  #handlers;

  constructor({ onLink, onChange }) {
    const onProblem = (error) => notify(byId('devices-problem'), error.message);
    this.#handlers = { onLink, onChange, onProblem };
    const form = byId('add-device');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      whileBusy(form.querySelector('button'), () => this.#add(form)).catch(onProblem);
    });
  }

  show(devices) {
    const list = byId('device-list');
    byId('no-devices').hidden = devices.length > 0;
    const gone = new Set(this.#shown.keys());
    for (const [index, device] of devices.entries()) {
      gone.delete(device.device_id);
      const card = this.#draw(device);
      if (list.children[index] !== card) list.insertBefore(card, list.children[index] ?? null);
    }
    for (const deviceId of gone) {
      this.#shown.get(deviceId).card.remove();
      this.#shown.delete(deviceId);
      announce(`${deviceId} was deleted`);
    }
  }

  #draw(device) {
    const text = JSON.stringify(device);
    const shown = this.#shown.get(device.device_id);
    if (shown?.text === text) return shown.card;
    const card = createDeviceCard(device, this.#handlers);
    const { words } = toStateWords(device);
    if (shown && shown.words !== words) announce(`${device.device_id}: ${words}`);
    const focused = shown?.card.contains(document.activeElement);
    shown?.card.replaceWith(card);
    if (focused) card.querySelector('button').focus();
    this.#shown.set(device.device_id, { text, card, words });
    return card;
  }

  async #add(form) {
    const { device_id: deviceId } = Object.fromEntries(new FormData(form));
    notify(byId('devices-problem'));
    const device = await call('POST', 'devices', deviceId ? { device_id: deviceId } : {});
    form.reset();
    await this.#handlers.onChange();
    this.#handlers.onLink(device);
  }
}
