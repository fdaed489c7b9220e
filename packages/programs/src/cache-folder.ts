import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a user's machine keeps what Postern has fetched, once for all checkouts. */
export function cacheFolder(): string {
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'postern');
}
