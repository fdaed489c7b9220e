import { delay } from '@postern/runtime';
import { freezeProcess } from '../support/freeze-process.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import type { Random } from './random.ts';

/** A place for one process, which is started again whenever it ended. */
export interface Slot {
  /** The newest process. */
  service: ServiceProcess;
  isBusy: boolean;
}

/** Which slot is struck, and for how long, in milliseconds. */
export interface Strike {
  slot: number;
  downMs: number;
  /** Starts what comes instead. Default: as the first ones. */
  start?: () => Promise<ServiceProcess>;
}

/** Runs right before it happens to the slot's process, with its id. */
type Before = (workerId: unknown) => Promise<void>;

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

  /** Ends the process of a slot and starts another one `downMs` later, as a supervisor would: again until it comes up. */
  async bounce(strike: Strike, signal: 'SIGKILL' | 'SIGTERM', before: Before = async () => {}): Promise<void> {
    await this.#occupy(strike.slot, async (slot) => {
      const { service } = slot;
      await before(service.ready['worker_id']);
      service.kill(signal);
      const status = await service.exited;
      if (signal === 'SIGTERM' && status !== 0) this.badExits.push(String(status));
      this.#onEnd(service);
      await delay(strike.downMs);
      slot.service = await restart(strike.start ?? this.#start);
    });
  }

  /** Stops the process of a slot in its tracks for a while. */
  async freeze({ slot: wanted, downMs }: Strike, before: Before): Promise<void> {
    await this.#occupy(wanted, async ({ service }) => {
      await before(service.ready['worker_id']);
      const resume = freezeProcess(service.pid);
      await delay(downMs);
      resume();
    });
  }

  /** Does something to the wanted slot, or to another one while that is busy; nothing when all are. */
  async #occupy(wanted: number, work: (slot: Slot) => Promise<void>): Promise<void> {
    const slot = [...this.slots.slice(wanted), ...this.slots].find(({ isBusy }) => !isBusy);
    if (!slot) return;
    slot.isBusy = true;
    try {
      await work(slot);
    } finally {
      slot.isBusy = false;
    }
  }
}

async function restart(start: () => Promise<ServiceProcess>): Promise<ServiceProcess> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      // Without Redis a process does not come up.
      if (attempt === RESTARTS) throw error;
    }
  }
}
