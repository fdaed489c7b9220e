import { randomUUID } from 'node:crypto';
import {
  type CommandResult,
  type DeviceCommand,
  type DeviceCommandName,
  Failure,
  isFailureCode,
} from '@postern/contract';
import { delay, monotonicMs } from '@postern/runtime';

export interface CommandsOptions {
  /** The worker that owns the device now. */
  ownerOf: (deviceId: string) => Promise<string | undefined>;
  /** Whether nothing is left of the device. */
  isGone: (deviceId: string) => Promise<boolean>;
  /** Posts to a worker's mailbox. */
  post: (workerId: string, command: DeviceCommand) => Promise<void>;
  /** The mailbox that answers come to. */
  replyTo: string;
}

export interface CommandRequest {
  name: DeviceCommandName;
  deviceId: string;
  /** Digits; only for `pair_code` and `check`. */
  phone?: string;
  requestId: string;
  signal: AbortSignal;
}

export interface Commands {
  /**
   * Has the device's owner do something and answers what it says. Follows the device when it changes hands meanwhile;
   * commands may therefore run twice. Throws NO_WORKER when nobody owns the device or its owner does not answer, and
   * the owner's own failure when it could not do it.
   */
  run(request: CommandRequest): Promise<Readonly<Record<string, string>>>;
  onResult(result: CommandResult): void;
}

const FIND_OWNER_MS = 10_000;
const LOOK_EVERY_MS = 250;
/** How long a worker that lost the device may still answer. */
const LAST_WORD_MS = 1_000;
const ANSWER_MS = {
  login: 10_000,
  pair_code: 30_000,
  check: 20_000,
  logout: 10_000,
  reconnect: 10_000,
  delete: 10_000,
} as const satisfies Record<DeviceCommandName, number>;

export function createCommands({ ownerOf, isGone, post, replyTo }: CommandsOptions): Commands {
  const pending = new Map<string, (result: CommandResult) => void>();

  /** The owner's answer; undefined when it did not answer in time or is the owner no more. */
  const ask = async (
    owner: string,
    { name, deviceId, phone, requestId, signal }: CommandRequest,
    deadlineMs: number,
  ) => {
    const commandId = randomUUID();
    let result: CommandResult | undefined;
    const answered = new AbortController();
    pending.set(commandId, (received) => {
      result = received;
      answered.abort();
    });
    try {
      await post(owner, {
        type: 'command',
        command_id: commandId,
        name,
        device_id: deviceId,
        ...(phone === undefined ? {} : { phone }),
        reply_to: replyTo,
        request_id: requestId,
      });
      let lostSinceMs: number | undefined;
      while (!answered.signal.aborted && monotonicMs() < deadlineMs) {
        await delay(LOOK_EVERY_MS, answered.signal).catch(() => {});
        signal.throwIfAborted();
        if (answered.signal.aborted) break;
        const now = await ownerOf(deviceId);
        // An owner that deletes the device lets go of it before it answers.
        lostSinceMs = now === owner ? undefined : (lostSinceMs ?? monotonicMs());
        if (lostSinceMs !== undefined && monotonicMs() - lostSinceMs > LAST_WORD_MS) break;
      }
      return result;
    } finally {
      pending.delete(commandId);
    }
  };

  return {
    onResult: (result) => pending.get(result.command_id)?.(result),
    async run(request) {
      const { name, deviceId, signal } = request;
      let findUntilMs = monotonicMs() + FIND_OWNER_MS;
      const answerUntilMs = findUntilMs + ANSWER_MS[name];
      while (monotonicMs() < findUntilMs) {
        const owner = await ownerOf(deviceId);
        // The owner that it was asked of died, and the next one has finished by itself.
        if (owner === undefined && name === 'delete' && (await isGone(deviceId))) return {};
        const result = owner === undefined ? undefined : await ask(owner, request, answerUntilMs);
        if (result?.outcome === 'done') return result.results;
        if (result?.outcome === 'failed') throw toFailure(result);
        if (monotonicMs() > answerUntilMs) break;
        // An owner was there: the next one gets its own time.
        if (owner !== undefined) findUntilMs = Math.min(answerUntilMs, monotonicMs() + FIND_OWNER_MS);
        await delay(LOOK_EVERY_MS, signal);
      }
      throw new Failure('NO_WORKER', 'No worker took care of this device in time', {
        details: { device_id: deviceId },
        retryAfterSeconds: 5,
      });
    },
  };
}

function toFailure({ failure }: CommandResult): Failure {
  if (!failure) return new Failure('INTERNAL_ERROR', 'The worker could not do this');
  const { code, message, details, retry_after_seconds } = failure;
  return new Failure(isFailureCode(code) ? code : 'INTERNAL_ERROR', message, {
    details,
    ...(retry_after_seconds === undefined ? {} : { retryAfterSeconds: retry_after_seconds }),
  });
}
