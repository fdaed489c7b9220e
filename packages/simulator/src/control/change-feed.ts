import type { ServerResponse } from 'node:http';

const GATHER_MS = 100;
const HEARTBEAT_MS = 15_000;

/** Server-sent events named `changed`: one on connect, then at most ten a second while something changes. */
export class ChangeFeed {
  readonly #listeners = new Set<ServerResponse>();
  readonly #heartbeat: NodeJS.Timeout;
  #gathering: NodeJS.Timeout | undefined;

  constructor() {
    this.#heartbeat = setInterval(() => this.#write(':\n\n'), HEARTBEAT_MS).unref();
  }

  add(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('event: changed\ndata: {}\n\n');
    this.#listeners.add(response);
    response.once('close', () => this.#listeners.delete(response));
  }

  changed(): void {
    if (this.#gathering || this.#listeners.size === 0) return;
    this.#gathering = setTimeout(() => {
      this.#gathering = undefined;
      this.#write('event: changed\ndata: {}\n\n');
    }, GATHER_MS).unref();
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#gathering);
    for (const response of this.#listeners) response.end();
  }

  #write(text: string): void {
    for (const response of this.#listeners) response.write(text);
  }
}
