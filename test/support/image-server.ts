import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ImageServer {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** Answers every further request of this path so. Answers the path's whole URL. */
  serve(path: string, answer: Buffer | RequestListener, type?: string): string;
  /** How often a path was asked for. */
  hits(path: string): number;
  stop(): Promise<void>;
}

/** A web server on loopback, from which images are fetched by URL. */
export async function startImageServer(): Promise<ImageServer> {
  const answers = new Map<string, RequestListener>();
  const hits = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    hits.set(path, (hits.get(path) ?? 0) + 1);
    const answer = answers.get(path);
    if (answer) answer(request, response);
    else response.writeHead(404).end('not here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    serve(path, answer, type = 'image/jpeg') {
      const whole: RequestListener = (_request, response) =>
        response.writeHead(200, { 'Content-Type': type }).end(answer);
      answers.set(path, typeof answer === 'function' ? answer : whole);
      return `${url}${path}`;
    },
    hits: (path) => hits.get(path) ?? 0,
    stop: () => stop(server),
  };
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
