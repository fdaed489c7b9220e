import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Redis } from 'ioredis';

const TICK_MS = 500;
/** Until a silent connection is asked for a sign of life: 2 s. */
const ASK_AFTER_TICKS = 4;
/** Until a connection counts as dead, in ticks of our own event loop, however late they come: 5 s. */
const DEAD_AFTER_TICKS = 10;

export interface WatchOptions {
  /** A node of a cluster may be a replica; its client knows. */
  mayBeReplica: boolean;
  onError: (error: Error) => void;
}

/**
 * Destroys a connection that has not received anything for 5 s although it was asked, so that its client makes a new one:
 * when the other host or the way to it is gone, the kernel would wait for a quarter of an hour. A server that turns out
 * to be a replica now is left, too: a connection that only reads would never learn it. No command may block for longer
 * than 4 s.
 */
export function watchConnection(client: Redis, { mayBeReplica, onError }: WatchOptions): void {
  let watched: Socket | undefined;
  let heardBytes = 0;
  let silentTicks = 0;

  const tick = () => {
    const socket: Socket | undefined = Reflect.get(client, 'stream');
    if (!socket || socket.destroyed) return;
    if (socket !== watched || socket.bytesRead !== heardBytes) {
      watched = socket;
      heardBytes = socket.bytesRead;
      silentTicks = 0;
      return;
    }
    silentTicks += 1;
    if (silentTicks === ASK_AFTER_TICKS && client.status === 'ready') ask();
    if (silentTicks < DEAD_AFTER_TICKS) return;
    onError(new Error(`Redis said nothing for ${(DEAD_AFTER_TICKS * TICK_MS) / 1000} s; connecting anew`));
    forget(socket);
  };
  const ask = () => {
    client.hello().then(
      (answer) => {
        if (mayBeReplica || readRole(answer) !== 'replica') return;
        onError(new Error('this Redis is a replica now; connecting anew'));
        client.disconnect(true);
      },
      // Whatever it answered, it lives.
      () => {},
    );
  };
  const timer = setInterval(tick, TICK_MS).unref();
  client.once('end', () => clearInterval(timer));
}

/**
 * Destroys a socket with all that it was given to send: what the kernel went on sending would arrive after what the new
 * connection repeats. Of TLS the kernel keeps it.
 */
function forget(socket: Socket): void {
  if (socket instanceof TLSSocket || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

/** HELLO answers with names and values in turn. */
function readRole(answer: unknown): unknown {
  return Array.isArray(answer) ? answer[answer.indexOf('role') + 1] : undefined;
}
