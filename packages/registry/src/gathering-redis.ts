import type { Socket } from 'node:net';
import { type Command, Redis, type RedisOptions } from 'ioredis';

/**
 * A client that writes to its socket once a turn of the event loop, whatever number of commands that turn has: each write
 * is a system call here and one there. Unlike ioredis' own pipelining no command waits for the answer to another.
 */
export class GatheringRedis extends Redis {
  readonly #onCommand: (command: Command) => void;
  #gathering = false;

  /** Without a URL the options name the server. Calls `onCommand` with each command before it is sent. */
  constructor(url: string | undefined, options: RedisOptions, onCommand: (command: Command) => void) {
    // ioredis skips arguments that are undefined.
    super(url as string, { ...options, replyMapping: 'legacy' });
    this.#onCommand = onCommand;
  }

  override sendCommand(command: Command, stream?: Parameters<Redis['sendCommand']>[1]): unknown {
    // ioredis repeats on a new connection what the old one did not answer. What a caller was told has failed is not done.
    if (command.isSettled) return command.promise;
    this.#onCommand(command);
    this.#gather();
    return super.sendCommand(command, stream);
  }

  #gather(): void {
    const socket: Socket | undefined = Reflect.get(this, 'stream');
    if (!socket || this.#gathering) return;
    this.#gathering = true;
    socket.cork();
    process.nextTick(() => {
      this.#gathering = false;
      socket.uncork();
    });
  }
}
