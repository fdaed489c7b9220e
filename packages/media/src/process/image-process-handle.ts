import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Failure } from '@postern/contract';
import type { PreparedImage } from '../pipeline/prepare-image.ts';
import { MEMORY_EXCEEDED, type PrepareReply, type PrepareRequest } from './messages.ts';

const isSource = import.meta.url.endsWith('.ts');
const PROGRAM = fileURLToPath(new URL(isSource ? 'image-process.ts' : 'image-process.js', import.meta.url));

/** The image process ended in the middle of a picture. */
export class ImageProcessDiedError extends Error {
  override name = 'ImageProcessDiedError';
  /** Whether it ended itself because it needed more memory than it was given. */
  readonly isOverMemory: boolean;

  constructor(code: unknown, signal: unknown) {
    super(`the image process ended with ${typeof signal === 'string' ? signal : `code ${String(code)}`}`);
    this.isOverMemory = code === MEMORY_EXCEEDED;
  }
}

/** A process that prepares pictures, one at a time, with memory of its own: what a picture does to it, it does to nobody else. */
export class ImageProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<ImageProcessDiedError>;
  #isAlive = true;

  /** It has nothing of our environment, which holds secrets. */
  constructor(memoryBytes: number) {
    this.#child = fork(PROGRAM, [String(memoryBytes)], {
      execArgv: isSource ? ['--conditions=source'] : [],
      env: {},
      serialization: 'advanced',
      stdio: 'ignore',
    });
    this.#exited = once(this.#child, 'exit').then(
      ([code, signal]: unknown[]) => {
        this.#isAlive = false;
        return new ImageProcessDiedError(code, signal);
      },
      () => {
        this.#isAlive = false;
        return new ImageProcessDiedError(null, 'no start');
      },
    );
    // Unused, it keeps nobody from ending.
    this.#child.unref();
    this.#child.channel?.unref();
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Throws the failure that preparing ends in, or an {@link ImageProcessDiedError}. One call at a time. */
  async prepare(request: PrepareRequest): Promise<PreparedImage> {
    this.#child.channel?.ref();
    const listening = new AbortController();
    try {
      const replied = once(this.#child, 'message', { signal: listening.signal });
      replied.catch(() => {});
      this.#child.send(request, () => {});
      const answer = await Promise.race([replied, this.#exited]);
      if (answer instanceof Error) throw answer;
      return toPrepared(answer[0] as PrepareReply);
    } finally {
      listening.abort();
      this.#child.channel?.unref();
    }
  }

  /** Ends it at once, whatever it does; resolves when its memory is free. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

function toPrepared(reply: PrepareReply): PreparedImage {
  if (reply.type === 'failed') {
    const { code, message, details, cause } = reply;
    throw new Failure(code, message, { details, cause });
  }
  const { bytes, thumbnail, ...rest } = reply.image;
  return { ...rest, bytes: toBuffer(bytes), thumbnail: toBuffer(thumbnail) };
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
