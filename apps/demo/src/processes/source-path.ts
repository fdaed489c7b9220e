import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(import.meta.url);
const compiled = here.endsWith('.js');

/** The repository's root. */
export const ROOT = join(dirname(here), '..', '..', '..', '..');

/** The absolute path of a TypeScript source named from the root, or of what it compiles to when we run compiled. */
export function sourcePath(source: string): string {
  return join(ROOT, compiled ? source.replace('/src/', '/dist/').replace(/\.ts$/, '.js') : source);
}
