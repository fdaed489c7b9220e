import { delay, monotonicMs } from '@postern/runtime';
import { json, requestJson } from './request-json.ts';
import { CAPTION, DEVICE_ID, RECIPIENT, type Sample } from './sample.ts';

interface Envelope<R> {
  code: string;
  message: string;
  results: R;
}

/** What the demo asks of the gateway, over the same HTTP that everybody uses. */
export interface GatewayClient {
  addDevice(): Promise<void>;
  /** The text of a QR that is valid now. */
  readQr(): Promise<string>;
  untilLoggedIn(boundMs: number): Promise<void>;
  /** The documented request; resolves with the id under which WhatsApp acknowledged the message. */
  sendSample(sample: Sample): Promise<string>;
}

export function createGatewayClient(url: string, signal: AbortSignal): GatewayClient {
  return {
    async addDevice() {
      await requestJson(`${url}/devices`, { ...json({ device_id: DEVICE_ID }), signal });
    },
    async readQr() {
      const login = `${url}/devices/${DEVICE_ID}/login`;
      const { results } = await requestJson<Envelope<{ qr: string }>>(login, { signal }, 30_000);
      return results.qr;
    },
    async untilLoggedIn(boundMs) {
      const deadline = monotonicMs() + boundMs;
      for (;;) {
        const status = `${url}/devices/${DEVICE_ID}/status`;
        const { results } = await requestJson<Envelope<{ is_connected: boolean; is_logged_in: boolean }>>(status, {
          signal,
        });
        if (results.is_connected && results.is_logged_in) return;
        if (monotonicMs() > deadline) {
          throw new Error(`The device was not logged in within ${boundMs / 1000} s: ${JSON.stringify(results)}`);
        }
        await delay(50, signal);
      }
    },
    async sendSample({ bytes }) {
      const form = new FormData();
      form.set('phone', `${RECIPIENT}@s.whatsapp.net`);
      form.set('caption', CAPTION);
      form.set('image', new Blob([new Uint8Array(bytes)], { type: 'image/jpeg' }), 'photo.jpg');
      const init = { method: 'POST', headers: { 'X-Device-Id': DEVICE_ID }, body: form, signal };
      const answer = await requestJson<Envelope<{ message_id: string }>>(`${url}/send/image`, init, 60_000);
      if (answer.code !== 'SUCCESS') throw new Error(`The picture was not sent: ${JSON.stringify(answer)}`);
      return answer.results.message_id;
    },
  };
}
