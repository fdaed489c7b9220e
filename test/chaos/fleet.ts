import { delay } from '@postern/runtime';
import type { ServiceProcess } from '../support/service-process.ts';
import type { Random } from './random.ts';

/** A place for one process, which is started again whenever it ended. */
export interface Slot {
  /** The newest process. */
  service: ServiceProcess;
  isBusy: boolean;
}

const RESTARTS = 20;

/** Processes of one kind, and how to start another one. */
export class Fleet {
  readonly slots: Slot[];
  /** What processes that were told to stop answered other than 0. */
  readonly badExits: string[] = [];
  readonly #start: () => Promise<ServiceProcess>;
  readonly #onEnd: (service: ServiceProcess) => void;

  constructor(
    services: ServiceProcess[],
    start: () => Promise<ServiceProcess>,
    onEnd: (service: ServiceProcess) => void,
  ) {
    this.slots = services.map((service) => ({ service, isBusy: false }));
    this.#start = start;
    this.#onEnd = onEnd;
  }

  /** The URL of any gateway, also of one that is down. */
  url(random: Random): string {
    return `http://127.0.0.1:${String(random.pick(this.slots).service.ready['port'])}`;
  }

  /**
   * Ends the process of a slot and starts another one `downMs` later, as a supervisor would: again until it comes up.
   * `before` runs right before the signal, with the slot's process.
   */
  async bounce(
    wanted: number,
    signal: 'SIGKILL' | 'SIGTERM',
    downMs: number,
    before: (service: ServiceProcess) => Promise<void>,
  ): Promise<void> {
    const slot = [...this.slots.slice(wanted), ...this.slots].find(({ isBusy }) => !isBusy);
    if (!slot) return;
    slot.isBusy = true;
    try {
      const { service } = slot;
      await before(service);
      service.kill(signal);
      const status = await service.exited;
      if (signal === 'SIGTERM' && status !== 0) this.badExits.push(String(status));
      this.#onEnd(service);
      await delay(downMs);
      slot.service = await this.#restart();
    } finally {
      slot.isBusy = false;
    }
  }

  async #restart(): Promise<ServiceProcess> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#start();
      } catch (error) {
        // Without Redis a process does not come up.
        if (attempt === RESTARTS) throw error;
      }
    }
  }
}
