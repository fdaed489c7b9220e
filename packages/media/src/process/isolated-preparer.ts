import { Failure } from '@postern/contract';
import { within } from '@postern/runtime';
import type { PreparedImage, PrepareOptions } from '../pipeline/prepare-image.ts';
import { ImageProcess, ImageProcessDiedError } from './image-process-handle.ts';

export interface IsolatedPreparerOptions {
  /** What the process may have, in bytes. */
  memoryBytes: number;
  /** For one picture, in milliseconds. */
  timeoutMs: number;
}

/** The process is kept for this long after its last picture, in milliseconds. */
const IDLE_MS = 10_000;
/** A process may be killed by somebody else; a picture that was in its hand each time is to blame. */
const MAX_DEATHS = 2;

/**
 * Prepares pictures in a process of their own, one at a time: the caller sees to that. A picture that ends its process by
 * needing too much memory, or twice in any other way, fails with IMAGE_PROCESSING_FAILED, `reason` `too_much_memory` or
 * `killed_process`, and an {@link ImageProcessDiedError} as cause.
 */
export class IsolatedPreparer {
  readonly #options: IsolatedPreparerOptions;
  #process: ImageProcess | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: IsolatedPreparerOptions) {
    this.#options = options;
  }

  /** The process that there is at the moment. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Rejects with the signal's reason; nothing of the picture is worked on any more then. */
  async prepare(bytes: Buffer, options: PrepareOptions, signal?: AbortSignal): Promise<PreparedImage> {
    clearTimeout(this.#idle);
    try {
      for (let deaths = 1; ; deaths += 1) {
        try {
          return await this.#prepareOnce(bytes, options, signal);
        } catch (error) {
          if (!(error instanceof ImageProcessDiedError)) throw error;
          if (error.isOverMemory) throw tooMuchMemory(this.#options.memoryBytes, error);
          if (deaths === MAX_DEATHS) throw killedProcess(error);
        }
      }
    } finally {
      this.#idle = setTimeout(() => void this.stop(), IDLE_MS).unref();
    }
  }

  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    const process = this.#process;
    this.#process = undefined;
    await process?.kill();
  }

  async #prepareOnce(bytes: Buffer, options: PrepareOptions, signal?: AbortSignal): Promise<PreparedImage> {
    signal?.throwIfAborted();
    const { memoryBytes, timeoutMs } = this.#options;
    if (!this.#process?.isAlive) this.#process = new ImageProcess(memoryBytes);
    const preparing = this.#process.prepare({ bytes, options, stepTimeoutMs: timeoutMs });
    let hasAnswered = false;
    preparing.then(
      () => (hasAnswered = true),
      () => (hasAnswered = true),
    );
    try {
      return await within(preparing, timeoutMs, () => tooSlow(timeoutMs), signal);
    } finally {
      // Native work cannot be interrupted, but its process can be ended.
      if (!hasAnswered) await this.stop();
    }
  }
}

/** The failure of a picture that needs more memory than there is for one. */
export function tooMuchMemory(limitBytes: number, cause?: unknown): Failure {
  const limit = `${Math.round(limitBytes / 2 ** 20)} MiB`;
  return new Failure(
    'IMAGE_PROCESSING_FAILED',
    `The image cannot be decoded: that needs more than ${limit} of memory`,
    {
      cause,
      details: { reason: 'too_much_memory' },
    },
  );
}

/** The failure of a picture that takes too long. */
export function tooSlow(timeoutMs: number): Failure {
  return new Failure('IMAGE_PROCESSING_FAILED', `The image cannot be decoded: that takes longer than ${timeoutMs} ms`, {
    details: { reason: 'too_slow' },
  });
}

function killedProcess(cause: unknown): Failure {
  return new Failure('IMAGE_PROCESSING_FAILED', 'The image cannot be decoded: it ends the process that tries to', {
    cause,
    details: { reason: 'killed_process' },
  });
}
