/** How many lanes the board shows at once; each costs some commands whenever a page asks, which is every few seconds. */
export const MAX_LANES_SHOWN = 100;

/**
 * Which of the devices' lanes are shown: the one that is asked for, then those with the most unsettled messages, then the
 * others, by name.
 */
export function chooseLanes(
  deviceIds: readonly string[],
  unsettled: ReadonlyMap<string, number>,
  named: string | undefined,
): string[] {
  const weightOf = (id: string) => (id === named ? Number.POSITIVE_INFINITY : (unsettled.get(id) ?? 0));
  const shown = deviceIds
    .toSorted((one, other) => weightOf(other) - weightOf(one) || (one < other ? -1 : 1))
    .slice(0, MAX_LANES_SHOWN);
  return shown.toSorted();
}
