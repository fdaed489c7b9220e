import { within } from '@postern/runtime';
import { readHeader } from '../inspect/read-header.ts';
import { IsolatedPreparer, tooMuchMemory, tooSlow } from '../process/isolated-preparer.ts';
import type { PreparedImage, PrepareOptions } from './prepare-image.ts';
import { weighImage } from './weigh-image.ts';
import { type SemaphoreStats, WeightedSemaphore } from './weighted-semaphore.ts';

export interface ImageProcessorOptions {
  /** What all pictures that are prepared at once in this process may take together, in bytes. Default: 256 MiB. */
  memoryBytes?: number;
  /** What a process of its own may have for one picture that is too heavy for this one, in bytes. Default: 1 GiB. */
  processMemoryBytes?: number;
  /** For one image, from its admission, in milliseconds. Default: 60,000. */
  timeoutMs?: number;
}

export interface ImageRequest extends PrepareOptions {
  /** Whose picture it is, e.g. a device: owners take turns. */
  owner?: string;
  /** Prepared in a process of its own, whatever it weighs: this one may not survive it. */
  alone?: boolean;
}

export interface ImageProcessor {
  /**
   * Prepares a picture, behind the admission by memory. Rejects with the signal's reason, with VALIDATION_ERROR, or with
   * IMAGE_PROCESSING_FAILED; its cause is an {@link ImageProcessDiedError} where the picture ended a process.
   */
  prepare(bytes: Buffer, request: ImageRequest, signal?: AbortSignal): Promise<PreparedImage>;
  readonly stats: Record<Weight, SemaphoreStats>;
  /** The process of heavy pictures, while there is one. */
  readonly processId: number | undefined;
  stop(): Promise<void>;
}

/**
 * `small` pictures, most of all, have a quarter of the memory for themselves and wait for no others; `large` ones share the
 * rest; `heavy` ones are prepared one at a time in a process of their own.
 */
type Weight = 'small' | 'large' | 'heavy';

/** Beyond this many pixels a picture keeps a core busy for seconds, however little memory it needs. */
const MANY_PIXELS = 48_000_000;
/** Of the four threads of the pool one is always left to small pictures and to what else needs it. */
const MAX_LARGE = 3;
/** What the program of the image process itself takes. */
const PROGRAM_BYTES = 110 * 2 ** 20;

/**
 * One per process: it bounds the memory that decoding takes, however many images are prepared at once. The image library
 * (some 25 MB) is loaded here, not by the package: a gateway never needs it.
 */
export function createImageProcessor(options: ImageProcessorOptions = {}): ImageProcessor {
  const { memoryBytes = 256 * 2 ** 20, processMemoryBytes = 2 ** 30, timeoutMs = 60_000 } = options;
  const gates: Record<Weight, WeightedSemaphore> = {
    small: new WeightedSemaphore(memoryBytes / 4),
    large: new WeightedSemaphore(memoryBytes * 0.75, MAX_LARGE),
    heavy: new WeightedSemaphore(processMemoryBytes, 1),
  };
  const isolated = new IsolatedPreparer({ memoryBytes: processMemoryBytes, timeoutMs });
  const library = import('./prepare-image.ts');

  const classify = (weight: number, pixels: number, alone: boolean): Weight => {
    if (alone || weight > memoryBytes / 2 || pixels > MANY_PIXELS) return 'heavy';
    return weight > memoryBytes / 16 ? 'large' : 'small';
  };

  return {
    async prepare(bytes, { owner, alone = false, ...prepareOptions }, signal) {
      const header = readHeader(bytes);
      const weight = weighImage(bytes, header);
      const kind = classify(weight, header.width * header.height, alone);
      if (kind === 'heavy' && weight > processMemoryBytes - PROGRAM_BYTES) throw tooMuchMemory(processMemoryBytes);
      const release = await gates[kind].acquire(weight, { owner, signal });
      if (kind === 'heavy') return await isolated.prepare(bytes, prepareOptions, signal).finally(release);
      // Native work cannot be interrupted at once: its memory counts until it has really ended.
      const preparing = library
        .then(({ prepareImage }) => prepareImage(bytes, prepareOptions, timeoutMs))
        .finally(release);
      return await within(preparing, timeoutMs, () => tooSlow(timeoutMs), signal);
    },
    get stats() {
      return { small: gates.small.stats, large: gates.large.stats, heavy: gates.heavy.stats };
    },
    get processId() {
      return isolated.pid;
    },
    stop: () => isolated.stop(),
  };
}
