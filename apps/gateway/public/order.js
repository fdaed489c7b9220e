/** The order of ids and of ISO 8601 times, for `toSorted`. */
export function compareText(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
