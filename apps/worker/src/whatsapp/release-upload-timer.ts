/** `UPLOAD_TIMEOUT` in Baileys 7.0.0-rc14 (lib/Defaults). */
const PRE_KEY_UPLOAD_TIMEOUT_MS = 30_000;

let released = false;

/**
 * Lets this process end while Baileys' bound for an upload of pre-keys runs: after each pairing Baileys leaves that timer
 * behind, even when the upload took no time, and it would hold a stopping worker for 30 s. Only that timer is touched.
 */
export function releaseUploadTimer(): void {
  if (released) return;
  released = true;
  const original = globalThis.setTimeout;
  const wrapped = (handler: () => void, ms?: number, ...args: []) => {
    const timer = original(handler, ms, ...args);
    return ms === PRE_KEY_UPLOAD_TIMEOUT_MS && isCalledByBaileysSocket() ? timer.unref() : timer;
  };
  // `util.promisify(setTimeout)` reads a property of the function.
  globalThis.setTimeout = Object.defineProperties(
    wrapped,
    Object.getOwnPropertyDescriptors(original),
  ) as typeof setTimeout;
}

function isCalledByBaileysSocket(): boolean {
  return /baileys[\\/]\w+[\\/]Socket[\\/]socket\./.test(new Error().stack ?? '');
}
