import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

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
  scheme: 'key' | 'basic';
  digest: Buffer;
  principal: Principal;
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Parses `name:secret[:devices[:actions]],…`; devices and actions are separated by `|`, `*` means all of them. */
export function parseApiKeys(text: string): Credential[] {
  return items(text, ',').map((item) => toKey(item, 'name:secret[:devices[:actions]]', sha256));
}

/** Parses `user:password[,…]`; the password may contain colons, but no comma. */
export function parseBasicUsers(text: string): Credential[] {
  return items(text, ',').map((item) => {
    const colon = item.indexOf(':');
    if (colon < 1 || colon === item.length - 1) throw new Error('expected user:password, separated by commas');
    const principal: Principal = { name: item.slice(0, colon), devices: 'all', actions: new Set(ACTIONS) };
    return { scheme: 'basic', digest: sha256(item), principal };
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
    devices: devices === '*' || devices === '' ? 'all' : new Set(items(devices, '|')),
    actions: new Set(actions === '*' || actions === '' ? ACTIONS : items(actions, '|').map(parseAction)),
  };
  return { scheme: 'key', digest: toDigest(secret), principal };
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
