import { Failure } from '@postern/contract';
import type { Request } from 'express';

/** Characters of a host with an optional port (RFC 3986, 3.2.2). */
const HOST = /^[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]*$/;

/** Throws VALIDATION_ERROR for a request of HTTP/1.1 that names no host, or several, or none that can be one. */
export function assertHost({ httpVersion, headers, rawHeaders }: Request): void {
  const refuse = (message: string) => new Failure('VALIDATION_ERROR', message);
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
  if (hosts.length > 1) throw refuse('The request names its Host more than once');
  if (headers.host === undefined) {
    if (httpVersion === '1.1') throw refuse('The request names no Host');
  } else if (!HOST.test(headers.host)) {
    throw refuse('The Host that the request names cannot be one');
  }
}
