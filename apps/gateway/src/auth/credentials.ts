import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigError } from '@postern/runtime';

/** What a credential may be limited to. `read`: look at devices and messages; `manage`: add, pair and remove devices. */
export const ACTIONS = ['send', 'read', 'manage'] as const;
export type Action = (typeof ACTIONS)[number];

/** Who asks, and what they may do. */
export interface Principal {
  name: string;
  /** Device ids; `all`: every device. */
  devices: ReadonlySet<string> | 'all';
  actions: ReadonlySet<Action>;
}

/** One configured credential. Only its SHA-256 is kept: of a key's secret, or of `user:password`. */
export interface Credential {
  /** Of its name, scheme and secret: another secret is another credential. */
  id: string;
  scheme: 'key' | 'basic';
  digest: Buffer;
  principal: Principal;
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Long enough that nobody finds one by trying. */
const MIN_SECRET_LENGTH = 16;

/**
 * Parses `name:secret[:devices[:actions]],…`; devices and actions are separated by `|`, `*` means all of them, as does
 * leaving them out; what is empty means none.
 */
export function parseApiKeys(text: string): Credential[] {
  return items(text, ',').map((item) => toKey(item, 'name:secret[:devices[:actions]]', toSecretDigest));
}

/** Throws a ConfigError when two have the same name, or the same secret, without saying which. */
export function assertDistinct(credentials: readonly Credential[]): void {
  const names = new Set(credentials.map(({ principal }) => principal.name));
  if (names.size < credentials.length) throw notDistinct('two have the same name');
  const secrets = new Set(credentials.map(({ digest }) => digest.toString('hex')));
  if (secrets.size < credentials.length) throw notDistinct('two have the same secret');
}

function notDistinct(what: string): ConfigError {
  return new ConfigError(`The environment is not usable:\n  API_KEYS, API_KEYS_FILE, BASIC_AUTH: ${what}`);
}

/** Parses `user:password[,…]`; the password may contain colons, but no comma. */
export function parseBasicUsers(text: string): Credential[] {
  return items(text, ',').map((item) => {
    const colon = item.indexOf(':');
    if (colon < 1 || colon === item.length - 1) throw new Error('expected user:password, separated by commas');
    assertLong(item.slice(colon + 1));
    const principal: Principal = { name: item.slice(0, colon), devices: 'all', actions: new Set(ACTIONS) };
    return toCredential('basic', sha256(item), principal);
  });
}

/**
 * Reads a key file: one `name:sha256[:devices[:actions]]` a line, the hash in hex; `#` begins a comment line.
 * Throws an Error that names the line's number, never its content.
 */
export async function readApiKeysFile(path: string): Promise<Credential[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim());
  return lines.flatMap((line, index) => {
    if (line === '' || line.startsWith('#')) return [];
    try {
      return [toKey(line, 'name:sha256[:devices[:actions]]', parseDigest)];
    } catch (error) {
      throw new Error(`API_KEYS_FILE, line ${index + 1}: ${error instanceof Error ? error.message : 'not usable'}`);
    }
  });
}

function parseDigest(hex: string): Buffer {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new Error('expected a SHA-256 as 64 hex digits');
  return Buffer.from(hex, 'hex');
}

function toKey(item: string, expected: string, toDigest: (secret: string) => Buffer): Credential {
  const [name = '', secret = '', devices = '*', actions = '*', ...rest] = item.split(':');
  if (name === '' || secret === '' || rest.length > 0) throw new Error(`expected ${expected}`);
  const principal: Principal = {
    name,
    devices: devices === '*' ? 'all' : new Set(items(devices, '|')),
    actions: new Set(actions === '*' ? ACTIONS : items(actions, '|').map(parseAction)),
  };
  return toCredential('key', toDigest(secret), principal);
}

function toCredential(scheme: Credential['scheme'], digest: Buffer, principal: Principal): Credential {
  const id = sha256(`${scheme} ${digest.toString('hex')} ${principal.name}`).toString('hex');
  return { id, scheme, digest, principal };
}

function toSecretDigest(secret: string): Buffer {
  assertLong(secret);
  return sha256(secret);
}

function assertLong(secret: string): void {
  if (secret.length < MIN_SECRET_LENGTH) throw new Error(`a secret has fewer than ${MIN_SECRET_LENGTH} characters`);
}

function parseAction(text: string): Action {
  const action = ACTIONS.find((known) => known === text);
  if (!action) throw new Error(`unknown action; expected ${ACTIONS.join(', ')} or *`);
  return action;
}

function items(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
