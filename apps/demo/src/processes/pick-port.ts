import { createServer } from 'node:net';

/**
 * The wanted port when it is free on this address, else any free one; 0 always picks. On loopback nobody may listen on
 * it by IPv6 either, because `localhost` may mean that one.
 */
export async function pickPort(wanted: number, host = '127.0.0.1'): Promise<number> {
  if ((await isTaken(wanted, '::1')) && host === '127.0.0.1') return pickPort(0, host);
  return (await tryPort(wanted, host)) ?? (await tryPort(0, host)) ?? wanted;
}

/** Undefined when somebody listens there already, or the port may not be used. */
async function tryPort(port: number, host: string): Promise<number | undefined> {
  const bound = await bind(port, host);
  return typeof bound === 'number' ? bound : undefined;
}

/** A machine without this address has nobody listening on it. */
async function isTaken(port: number, host: string): Promise<boolean> {
  return (await bind(port, host)) === 'EADDRINUSE';
}

/** Binds for a moment: the port it got, or the error's code. */
function bind(port: number, host: string): Promise<number | string> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'unknown'));
    probe.listen({ port, host, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(address && typeof address === 'object' ? address.port : 'unknown'));
    });
  });
}
