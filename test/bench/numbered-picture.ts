/**
 * The same picture with other pixels, at the cost of a copy: the number goes into the last factors of the first
 * quantisation table, so that no two are equal, also after metadata is removed.
 */
export function numberPicture(jpeg: Buffer, number: number): Buffer {
  const table = jpeg.indexOf(Buffer.of(0xff, 0xdb));
  const last = table + 4 + 64;
  const numbered = Buffer.from(jpeg);
  for (let digit = 0, rest = number; digit < 4; digit += 1, rest = Math.floor(rest / 200)) {
    numbered[last - digit] = 20 + (rest % 200);
  }
  return numbered;
}
