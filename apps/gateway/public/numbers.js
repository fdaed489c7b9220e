const format = new Intl.NumberFormat();

export function toCount(count) {
  return format.format(count);
}

/** `1 message`, `1,200 messages`. */
export function toMessages(count) {
  return count === 1 ? '1 message' : `${toCount(count)} messages`;
}
