import { delay, monotonicMs } from '@postern/runtime';
import { json, requestJson } from './request-json.ts';

/** What a simulated phone's screen shows of a message, as the simulator's control API tells it. */
export interface PhoneMessage {
  id: string;
  type: string;
  caption?: string;
  viewOnce: boolean;
  /** Pixels. */
  width?: number;
  height?: number;
  /** Hex, of the decrypted picture. */
  sha256?: string;
  /** Why it could not be decrypted, downloaded or verified. */
  error?: string;
  /** Below the control server. */
  imagePath?: string;
}

/** The simulated phones, through their control API. */
export interface Phones {
  /** Lets this phone scan a QR; resolves when the simulated WhatsApp has linked the device. */
  scan(number: string, qr: string): Promise<void>;
  /** The message with its picture, as soon as the phone shows it. Rejects after `boundMs` with what the phone has. */
  waitForPicture(number: string, messageId: string, boundMs: number): Promise<{ message: PhoneMessage; bytes: Buffer }>;
}

export function createPhones(controlUrl: string, signal: AbortSignal): Phones {
  const read = async (number: string, messageId: string) => {
    const { messages } = await requestJson<{ messages: PhoneMessage[] }>(
      `${controlUrl}/phones/${number}/messages?limit=1000`,
      { signal },
    );
    return messages.find(({ id }) => id === messageId);
  };
  return {
    async scan(number, qr) {
      await requestJson(`${controlUrl}/phones/${number}/scan`, { ...json({ qr }), signal }, 30_000);
    },
    async waitForPicture(number, messageId, boundMs) {
      const deadline = monotonicMs() + boundMs;
      for (;;) {
        const message = await read(number, messageId);
        if (message?.imagePath !== undefined) {
          const response = await fetch(`${controlUrl}${message.imagePath}`, { signal });
          return { message, bytes: Buffer.from(await response.arrayBuffer()) };
        }
        if (message?.error !== undefined) throw new Error(`The phone could not show ${messageId}: ${message.error}`);
        if (monotonicMs() > deadline) {
          const state = message ? `it has ${message.type} without a picture` : 'nothing arrived';
          throw new Error(`The phone ${number} did not show ${messageId} within ${boundMs / 1000} s: ${state}`);
        }
        await delay(50, signal);
      }
    },
  };
}
