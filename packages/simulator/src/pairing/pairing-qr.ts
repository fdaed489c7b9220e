export interface PairingQr {
  ref: string;
  noiseKey: Buffer;
  identity: Buffer;
  /** Shared by phone and client only; the server never sees it. */
  advSecret: Buffer;
}

/** Reads a pairing QR: `ref,noise key,identity key,secret[,platform]`, alone or after the `#` of a link. */
export function parsePairingQr(text: string): PairingQr {
  const [ref, noiseKey, identity, advSecret] = text.slice(text.indexOf('#') + 1).split(',');
  if (!ref || !noiseKey || !identity || !advSecret) throw new Error('this is not a pairing QR code');
  return {
    ref,
    noiseKey: Buffer.from(noiseKey, 'base64'),
    identity: Buffer.from(identity, 'base64'),
    advSecret: Buffer.from(advSecret, 'base64'),
  };
}
