import type { PhoneMessage } from './phones.ts';
import { CAPTION, hasExif, type Sample, sha256 } from './sample.ts';

/** What one run showed: the line `--json` prints. Hashes are hex SHA-256. */
export interface Proof {
  message_id: string;
  received: {
    /** The bytes handed to WhatsApp, after the metadata was removed. */
    sha256_sent: string;
    /** What the phone decrypted. */
    sha256_received: string;
    /** The file that was posted to the gateway. */
    sha256_uploaded: string;
    width: number;
    height: number;
    caption: string;
    view_once: boolean;
  };
  /** From the request to the picture on the phone's screen. */
  elapsed_ms: number;
}

export interface Evidence {
  messageId: string;
  sample: Sample;
  sha256Sent: string;
  message: PhoneMessage;
  /** The picture as the phone shows it. */
  bytes: Buffer;
  elapsedMs: number;
}

/** Puts together what was seen; throws with every mismatch when the phone does not show what was posted. */
export function toProof({ messageId, sample, sha256Sent, message, bytes, elapsedMs }: Evidence): Proof {
  const proof: Proof = {
    message_id: messageId,
    received: {
      sha256_sent: sha256Sent,
      sha256_received: sha256(bytes),
      sha256_uploaded: sample.sha256,
      width: message.width ?? 0,
      height: message.height ?? 0,
      caption: message.caption ?? '',
      view_once: message.viewOnce,
    },
    elapsed_ms: Math.round(elapsedMs),
  };
  const { received } = proof;
  const checks: [string, unknown, unknown][] = [
    ['SHA-256 of the picture', received.sha256_received, sha256Sent],
    ["SHA-256 by the phone's own count", message.sha256, sha256Sent],
    ['width', received.width, sample.width],
    ['height', received.height, sample.height],
    ['caption', received.caption, CAPTION],
    ['view once', received.view_once, false],
    ['camera and GPS data', hasExif(bytes), false],
  ];
  const wrong = checks
    .filter(([, actual, expected]) => actual !== expected)
    .map(([what, actual, expected]) => `  ${what}: expected ${String(expected)}, the phone has ${String(actual)}`);
  if (wrong.length > 0) throw new Error(['The phone does not show what was sent:', ...wrong].join('\n'));
  return proof;
}
