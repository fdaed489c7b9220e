import { call } from './api.js';
import { byId, create, notify, whileBusy } from './element.js';

/** The form that sends one image through the documented request and shows its answer. */
export function createSendForm() {
  const section = byId('send');
  const form = section.querySelector('form');
  const notice = form.querySelector('.notice');
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void whileBusy(form.querySelector('button'), () => send(form, notice));
  });
  return {
    /** Offers the devices that can send; says so while none can. */
    offer(devices) {
      const able = devices
        .filter(({ connection }) => connection.state === 'connected')
        .map((device) => device.device_id);
      byId('no-sender').hidden = able.length > 0;
      form.hidden = able.length === 0;
      const select = byId('send-device');
      if ([...select.options].map((option) => option.value).join() === able.join()) return;
      const chosen = select.value;
      select.replaceChildren(...able.map((id) => create('option', { value: id }, id)));
      if (able.includes(chosen)) select.value = chosen;
    },
  };
}

async function send(form, notice) {
  const body = new FormData(form);
  const deviceId = body.get('device');
  body.delete('device');
  notify(notice, 'Sending …', false);
  try {
    const results = await call('POST', 'send/image', body, { 'X-Device-Id': encodeURIComponent(deviceId) });
    notify(notice, `${results.status} (${results.message_id})`, false);
  } catch (error) {
    notify(notice, `${error.message}${error.code ? ` (${error.code})` : ''}`);
  }
}
