import { Curve, type KeyPair, proto } from '@whiskeysockets/baileys';

const YEAR_SECONDS = 365 * 24 * 60 * 60;

export interface NoiseIdentity {
  /** The server's static Noise key, which the chain's leaf certifies. */
  keys: KeyPair;
  /** Encoded `CertChain`: an intermediate signed by the root, and a leaf signed by the intermediate. */
  certificateChain: Uint8Array;
  /** The root's public key, 64 hex digits: what a client must trust. */
  rootKey: string;
}

/** Makes a root, an intermediate and a leaf of the form the client checks: the intermediate's issuer serial is 0. */
export function createNoiseIdentity(): NoiseIdentity {
  const root = Curve.generateKeyPair();
  const intermediate = Curve.generateKeyPair();
  const keys = Curve.generateKeyPair();
  const certificateChain = proto.CertChain.encode({
    intermediate: certify({ serial: 1, issuerSerial: 0, key: intermediate.public }, root),
    leaf: certify({ serial: 2, issuerSerial: 1, key: keys.public }, intermediate),
  }).finish();
  return { keys, certificateChain, rootKey: Buffer.from(root.public).toString('hex') };
}

function certify(subject: { serial: number; issuerSerial: number; key: Uint8Array }, issuer: KeyPair) {
  const now = Math.floor(Date.now() / 1000);
  const details = proto.CertChain.NoiseCertificate.Details.encode({
    ...subject,
    notBefore: now - YEAR_SECONDS,
    notAfter: now + YEAR_SECONDS,
  }).finish();
  return { details, signature: Curve.sign(issuer.private, details) };
}
