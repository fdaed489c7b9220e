import type { Keys } from '@postern/registry';
import type { Redis } from 'ioredis';

const REMEMBERED = 10_000;
const ASKED_AT_ONCE = 200;

/** The newest messages that this gateway accepted, so that it can tell which of them Redis knows no more. */
export class RecentlyAccepted {
  readonly #messages = new Map<string, { deviceId: string; acceptedAt: number }>();

  add(messageId: string, deviceId: string): void {
    this.#messages.set(messageId, { deviceId, acceptedAt: Date.now() });
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > REMEMBERED && oldest !== undefined) this.#messages.delete(oldest);
  }

  /** Ids of those without a record, of all for which `wanted` holds; they are told once. */
  async takeForgotten(redis: Redis, keys: Keys, wanted: (acceptedAt: number) => boolean): Promise<string[]> {
    const asked = [...this.#messages].filter(([, { acceptedAt }]) => wanted(acceptedAt));
    const forgotten: string[] = [];
    for (let first = 0; first < asked.length; first += ASKED_AT_ONCE) {
      const some = asked.slice(first, first + ASKED_AT_ONCE);
      // Not a pipeline: the devices' keys are in many slots.
      const found = await Promise.all(
        some.map(([id, { deviceId }]) => redis.exists(keys.device(deviceId).message(id))),
      );
      forgotten.push(...some.filter((_, index) => found[index] === 0).map(([id]) => id));
    }
    for (const id of forgotten) this.#messages.delete(id);
    return forgotten;
  }
}
