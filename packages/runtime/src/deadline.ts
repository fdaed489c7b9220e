const SLICES = 4;

/**
 * Calls `onPassed` after `ms` unless `isOver` says by then that it need not. A slice of the time that our own event loop
 * was late for counts as that slice only, and the loop turns once more at the end: an answer that has arrived meanwhile
 * is read before anybody is told that none came.
 */
export function startDeadline(ms: number, isOver: () => boolean, onPassed: () => void): void {
  let slicesLeft = SLICES;
  const finish = () => {
    if (!isOver()) onPassed();
  };
  const next = () => {
    if (isOver()) return;
    if (slicesLeft === 0) {
      setImmediate(finish);
      return;
    }
    slicesLeft -= 1;
    setTimeout(next, ms / SLICES);
  };
  next();
}

/** As `within`, for answers that only come when our own event loop turns: see `startDeadline`. */
export function withDeadline<T>(promise: Promise<T>, ms: number, onPassed: () => unknown): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let isOver = false;
    const settle = (how: () => void) => {
      isOver = true;
      how();
    };
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
    startDeadline(
      ms,
      () => isOver,
      () => reject(onPassed()),
    );
  });
}
