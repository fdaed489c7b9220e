import type { DemoResult } from './run-demo.ts';
import { CAPTION, RECIPIENT, toCurl } from './sample.ts';

/** What the phone shows, for people. */
export function toReport({ proof }: DemoResult): string {
  const { received } = proof;
  return [
    '',
    `The phone +${RECIPIENT} received the picture ${(proof.elapsed_ms / 1000).toFixed(2)} s after it was posted:`,
    `  message id   ${proof.message_id}`,
    `  picture      ${received.width} × ${received.height} pixels, view once: ${received.view_once ? 'yes' : 'no'}`,
    `  caption      ${CAPTION}`,
    `  uploaded     ${received.sha256_uploaded}  (the file)`,
    `  sent         ${received.sha256_sent}  (without camera and GPS data)`,
    `  received     ${received.sha256_received}  (as the phone decrypted it: equal)`,
    '',
  ].join('\n');
}

/** Where to look and what to try while the demo is up. */
export function toInvitation({ gatewayUrl, phonesUrl, samplePath }: DemoResult): string {
  return [
    `Pairing page        ${gatewayUrl}/`,
    `The phones' screens ${phonesUrl}/`,
    '',
    'Send one yourself, from another terminal:',
    '',
    toCurl(gatewayUrl, samplePath),
    '',
    'Ctrl-C stops everything.',
  ].join('\n');
}
