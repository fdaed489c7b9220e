const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir'] as const;

/**
 * Drops everything that is written to the console of this process, and counts it through `onDropped`. libsignal prints
 * whole sessions, private keys included, by console.info and console.warn; the worker itself logs by pino alone.
 * Returns a function that gives the console back.
 */
export function silenceConsole(onDropped: () => void = () => {}): () => void {
  const original = METHODS.map((method) => [method, console[method]] as const);
  for (const method of METHODS) console[method] = onDropped;
  return () => {
    for (const [method, write] of original) console[method] = write;
  };
}
