import ipaddr from 'ipaddr.js';
import { type AddressKind, REFUSED_IPV4, REFUSED_IPV6 } from './address-table.ts';

type Cidr = [ipaddr.IPv4 | ipaddr.IPv6, number];
type Rule = readonly [cidr: Cidr, kind: AddressKind];

const IPV4_RULES = toRules(REFUSED_IPV4);
const IPV6_RULES = toRules(REFUSED_IPV6);
const GLOBAL_UNICAST = parseCidr('2000::/3');
/** NAT64: the last 32 bits are the IPv4 address that is really reached (RFC 6052). */
const NAT64 = parseCidr('64:ff9b::/96');

/** Whether the text is a range like `10.0.0.0/8` or `fd00::/8`; for checking a configuration. */
export function isCidr(text: string): boolean {
  return ipaddr.isValidCIDR(text);
}

/** Parses `10.0.0.0/8` or `fd00::/8`; throws an Error that quotes the text when it is no CIDR. */
function parseCidr(text: string): Cidr {
  if (!isCidr(text)) throw new Error(`${JSON.stringify(text)} is not a CIDR like 10.0.0.0/8 or fd00::/8`);
  return ipaddr.parseCIDR(text);
}

/**
 * Says why an address must not be fetched from, or undefined when it may. `address` is an IP address as `net` and `dns`
 * give it, IPv6 with or without a zone; anything else is refused as reserved. An address within `allowPrivate` is let through.
 */
export function refusalOf(address: string, allowPrivate: readonly string[]): AddressKind | undefined {
  if (!ipaddr.isValid(address)) return 'reserved';
  const ip = ipaddr.process(address); // IPv4-mapped IPv6 becomes IPv4
  if (allowPrivate.some((cidr) => matches(ip, parseCidr(cidr)))) return undefined;
  return ip instanceof ipaddr.IPv4 ? ipv4Kind(ip) : ipv6Kind(ip);
}

function ipv4Kind(ip: ipaddr.IPv4): AddressKind | undefined {
  return IPV4_RULES.find(([cidr]) => matches(ip, cidr))?.[1];
}

function ipv6Kind(ip: ipaddr.IPv6): AddressKind | undefined {
  const known = IPV6_RULES.find(([cidr]) => matches(ip, cidr));
  if (known) return known[1];
  if (matches(ip, NAT64)) return ipv4Kind(lastIpv4(ip));
  if (!matches(ip, GLOBAL_UNICAST)) return 'reserved';
  // ISATAP carries an IPv4 address behind 0:5efe or 200:5efe under any prefix (RFC 5214).
  const isIsatap = ip.parts[5] === 0x5efe && (ip.parts[4] === 0 || ip.parts[4] === 0x200);
  return isIsatap ? 'tunnelled' : undefined;
}

function lastIpv4(ip: ipaddr.IPv6): ipaddr.IPv4 {
  return new ipaddr.IPv4(ip.toByteArray().slice(12));
}

function matches(ip: ipaddr.IPv4 | ipaddr.IPv6, [range, bits]: Cidr): boolean {
  return ip.kind() === range.kind() && ip.match(range, bits);
}

function toRules(table: typeof REFUSED_IPV4): readonly Rule[] {
  return table.map(([cidr, kind]) => [parseCidr(cidr), kind]);
}
