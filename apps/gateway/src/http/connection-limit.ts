import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Failure } from '@postern/contract';
import type { Request, Response } from 'express';

/** For our own files, Redis, the blob store, and whoever asks for /metrics and readiness. */
const RESERVED_DESCRIPTORS = 96;
const MIN_CONNECTIONS = 16;
/** Connections beyond the limit that still get an answer; even more are closed without one. */
const ANSWERED_BEYOND = 32;
/** Answered on any connection: who asks wants to know how we are. */
const HEALTH = new Set(['/healthz', '/readyz']);
const RETRY_AFTER_SECONDS = 1;

/** How many connections leave descriptors for all else that the process does; every upload needs a file, too. */
export function toConnectionLimit(descriptors: number, uploads: number): number {
  return Math.max(MIN_CONNECTIONS, descriptors - RESERVED_DESCRIPTORS - uploads);
}

/** Bounds the connections of a server, so that its process never runs out of descriptors. */
export class ConnectionLimit {
  readonly #limit: number;
  readonly #beyond = new WeakSet<Socket>();
  #open = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  watch(server: Server): void {
    if (Number.isFinite(this.#limit)) server.maxConnections = this.#limit + ANSWERED_BEYOND;
    server.on('connection', (socket) => {
      this.#open += 1;
      if (this.#open > this.#limit) this.#beyond.add(socket);
      socket.once('close', () => {
        this.#open -= 1;
      });
    });
  }

  /** Throws GATEWAY_BUSY on a connection beyond the limit, which ends with this answer. */
  assertWithin(request: Request, response: Response): void {
    if (!this.#beyond.has(request.socket)) return;
    response.set('Connection', 'close');
    if (HEALTH.has(request.path)) return;
    throw new Failure('GATEWAY_BUSY', `This gateway serves ${this.#limit} connections at once, and all are in use`, {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    });
  }
}
