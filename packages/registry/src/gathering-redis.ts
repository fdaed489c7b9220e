import type { Socket } from 'node:net';
import { Redis } from 'ioredis';

/**
 * A client that writes to its socket once a turn of the event loop, whatever number of commands that turn has: each write
 * is a system call here and one there. Unlike ioredis' own pipelining no command waits for the answer to another.
 */
export class GatheringRedis extends Redis {
  #gathering = false;

  override sendCommand(...args: Parameters<Redis['sendCommand']>): unknown {
    const socket: Socket | undefined = Reflect.get(this, 'stream');
    if (socket && !this.#gathering) {
      this.#gathering = true;
      socket.cork();
      process.nextTick(() => {
        this.#gathering = false;
        socket.uncork();
      });
    }
    return super.sendCommand(...args);
  }
}
