import { isIP } from 'node:net';
import { Failure } from '@postern/contract';
import { refusalOf } from './address-rules.ts';
import type { AddressKind } from './address-table.ts';

const MAX_URL_LENGTH = 8192;
/** Names that mean this host by convention or /etc/hosts, with or without a final dot. */
const LOCAL_NAME = /(^|\.)localhost\.?$|^(localhost\.localdomain|localhost[46]|ip6-localhost|ip6-loopback)\.?$/;

/**
 * What can be said of an `image_url` without looking anything up: scheme, credentials, a literal address in whatever
 * notation, names of this host. Throws a VALIDATION_ERROR for `image_url`; its message never quotes the URL.
 * `allowPrivate`: CIDRs that may be fetched from although they are not public.
 */
export function checkImageUrl(text: string, allowPrivate: readonly string[]): URL {
  const refuse = (message: string) => Failure.field('image_url', message);
  if (text.length > MAX_URL_LENGTH)
    throw refuse(`is ${text.length} characters long; at most ${MAX_URL_LENGTH} are accepted`);
  if (!URL.canParse(text)) throw refuse('is not a valid absolute URL; expected http://… or https://…');
  const url = new URL(text);
  const problem = urlProblem(url, allowPrivate);
  if (problem) throw refuse(problem);
  // The parser would take a path for a missing host: https:///photo.jpg.
  if (!/^\s*https?:\/\/[^/\\?#\s]/i.test(text)) throw refuse('names no host; expected http://… or https://…');
  return url;
}

/** The rule that a URL breaks before any look-up, for a first URL and for a redirect alike. */
export function urlProblem(url: URL, allowPrivate: readonly string[]): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return `has the scheme ${url.protocol.slice(0, 32)}; only http: and https: are accepted`;
  }
  if (url.username !== '' || url.password !== '') return 'contains a user name or password, which is not accepted';
  const refused = literalRefusal(url, allowPrivate);
  return refused && `points to ${withArticle(refused)} address, which is not accepted`;
}

/**
 * The URL parser has already turned decimal, octal, hexadecimal, short and full-width IPv4 forms into dotted decimal and
 * refused zone identifiers (WHATWG URL, 3.5), so the host is either one canonical literal or a name.
 */
function literalRefusal(url: URL, allowPrivate: readonly string[]): AddressKind | undefined {
  const literal = literalHost(url);
  if (literal !== undefined) return refusalOf(literal, allowPrivate);
  if (!LOCAL_NAME.test(url.hostname)) return undefined;
  const isAllowed = ['127.0.0.1', '::1'].some((address) => refusalOf(address, allowPrivate) === undefined);
  return isAllowed ? undefined : 'loopback';
}

/** The URL's host when it is an IP address, without brackets. */
function literalHost(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return isIP(host) === 0 ? undefined : host;
}

/** "a loopback", "an unspecified". */
export function withArticle(kind: AddressKind): string {
  return kind === 'unspecified' ? `an ${kind}` : `a ${kind}`;
}
