import { type DevicePace, Failure, type SendImageJob } from '@postern/contract';
import type { Devices, Pacing, ReachOutHolds } from '@postern/registry';
import { delay, monotonicMs } from '@postern/runtime';
import type { SendOutcome } from './send-message.ts';

export interface RelayGateDependencies {
  devices: Pick<Devices, 'get'>;
  pacing: Pacing;
  holds: ReachOutHolds;
  /** For devices without a pace of their own. */
  defaultPace: DevicePace;
  /** How long new chats are refused here after WhatsApp has refused one, in milliseconds. */
  reachOutHoldMs: number;
}

/** How long a device's pace may have changed before it takes effect, in milliseconds. */
const PACE_CACHE_MS = 5_000;
const MAX_CACHED_CHATS = 10_000;

/** What a message passes right before it is relayed: the refusal of new chats, and the device's pace. */
export class RelayGate {
  readonly #deviceId: string;
  readonly #deps: RelayGateDependencies;
  /** Chats that the registry knows already. */
  readonly #known = new Set<string>();
  #pace: { value: DevicePace; until: number } | undefined;

  constructor(deviceId: string, deps: RelayGateDependencies) {
    this.#deviceId = deviceId;
    this.#deps = deps;
  }

  /** Waits until the message may be relayed. Throws WA_REACHOUT_TIMELOCK, or the signal's reason. */
  async pass(job: SendImageJob, signal: AbortSignal): Promise<void> {
    await this.#assertReachable(job);
    const { pacing } = this.#deps;
    for (;;) {
      const waitMs = await pacing.ask(this.#deviceId, await this.#currentPace());
      if (waitMs === 0) return;
      // Jitter, so that messages that wait do not all ask in one moment, and sends keep no machine's rhythm.
      await delay(waitMs * (1 + Math.random() / 5), signal);
    }
  }

  /** Remembers what an outcome says of the account and the chat; answers it, with how long a hold that it begins lasts. */
  async learn<Outcome extends SendOutcome>(job: SendImageJob, outcome: Outcome): Promise<Outcome> {
    const { holds, reachOutHoldMs } = this.#deps;
    const { jid } = job.recipient;
    if (outcome.type === 'failed' && outcome.failure.details['reason'] === 463) {
      await holds.hold(this.#deviceId, reachOutHoldMs);
      return { ...outcome, failure: held(outcome.failure, reachOutHoldMs) };
    }
    const isSent = outcome.type === 'sent' || outcome.type === 'proved';
    if (!isSent || this.#known.has(jid)) return outcome;
    await holds.remember(this.#deviceId, jid);
    if (this.#known.size >= MAX_CACHED_CHATS) this.#known.clear();
    this.#known.add(jid);
    return outcome;
  }

  async #assertReachable({ recipient }: SendImageJob): Promise<void> {
    if (recipient.kind === 'group' || this.#known.has(recipient.jid)) return;
    const { holds } = this.#deps;
    const heldMs = await holds.heldFor(this.#deviceId);
    if (heldMs === 0 || (await holds.knows(this.#deviceId, recipient.jid))) return;
    throw new Failure('WA_REACHOUT_TIMELOCK', 'WhatsApp lets this account write to nobody new at the moment', {
      retryAfterSeconds: Math.ceil(heldMs / 1000),
    });
  }

  async #currentPace(): Promise<DevicePace> {
    const now = monotonicMs();
    if (this.#pace && this.#pace.until > now) return this.#pace.value;
    const device = await this.#deps.devices.get(this.#deviceId);
    const value = device?.pace ?? this.#deps.defaultPace;
    this.#pace = { value, until: now + PACE_CACHE_MS };
    return value;
  }
}

function held({ code, message, cause, details, retryable }: Failure, holdMs: number): Failure {
  return new Failure(code, message, { cause, details, retryable, retryAfterSeconds: Math.ceil(holdMs / 1000) });
}
