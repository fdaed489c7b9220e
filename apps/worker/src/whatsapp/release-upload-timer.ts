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
    return ms === PRE_KEY_UPLOAD_TIMEOUT_MS && isUploadBound(handler) ? timer.unref() : timer;
  };
  // `util.promisify(setTimeout)` reads a property of the function.
  globalThis.setTimeout = Object.defineProperties(
    wrapped,
    Object.getOwnPropertyDescriptors(original),
  ) as typeof setTimeout;
}

/** By its text, not by its caller: a stack is too dear for the timers of that length that each message sets. */
function isUploadBound(handler: () => void): boolean {
  return handler.toString().includes('Pre-key upload timeout');
}
