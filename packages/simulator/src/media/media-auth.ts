import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** The `auth` values handed out by the `w:m` query: each names its device, signed by a key of this process. */
export class MediaAuth {
  readonly #key = randomBytes(32);

  /** The auth value for a device's full JID. */
  issue(device: string): string {
    return `${Buffer.from(device).toString('base64url')}.${this.#sign(device).toString('base64url')}`;
  }

  /** The device an auth value was issued to, or undefined when it was not issued here. */
  verify(auth: string): string | undefined {
    const [name = '', signature = ''] = auth.split('.');
    const device = Buffer.from(name, 'base64url').toString();
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#sign(device);
    return given.length === expected.length && timingSafeEqual(given, expected) ? device : undefined;
  }

  #sign(device: string): Buffer {
    return createHmac('sha256', this.#key).update(device).digest();
  }
}
