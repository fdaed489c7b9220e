/** Slots that all callers share. */
export interface Shares {
  inUse(): number;
  /** Takes a slot for a caller and answers its release; undefined when all are taken, or the caller's share is. */
  take(caller: string): (() => void) | undefined;
}

/**
 * Shares a number of slots out. Where there are several callers, each gets at most half of what the others leave free, so
 * that none can take the last one; a single caller gets all.
 */
export function createShares(limit: number, { isShared }: { isShared: boolean }): Shares {
  const taken = new Map<string, number>();
  let total = 0;
  const add = (caller: string, count: number) => {
    const own = (taken.get(caller) ?? 0) + count;
    total += count;
    if (own === 0) taken.delete(caller);
    else taken.set(caller, own);
  };
  return {
    inUse: () => total,
    take(caller) {
      const own = taken.get(caller) ?? 0;
      const free = limit - (total - own);
      if (own >= (isShared ? Math.ceil(free / 2) : free)) return undefined;
      add(caller, 1);
      return () => add(caller, -1);
    },
  };
}
