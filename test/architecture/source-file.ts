import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** From the repository's root, with forward slashes. */
  path: string;
  text: string;
}

const SKIPPED = new Set(['node_modules', 'dist', '.git', '.postern']);

/** Every file below a folder whose name ends in one of the extensions. */
export function readSources(folder: string, extensions = ['.ts', '.mts', '.js', '.mjs', '.cjs']): SourceFile[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : readSources(path, extensions);
    if (!extensions.some((extension) => entry.name.endsWith(extension))) return [];
    return [{ path, text: readFileSync(join(ROOT, path), 'utf8') }];
  });
}

/** Every folder below a folder, itself included. */
export function readFolders(folder: string): string[] {
  const below = readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !SKIPPED.has(entry.name))
    .flatMap((entry) => readFolders(`${folder}/${entry.name}`));
  return [folder, ...below];
}

// The formatter guarantees that a statement starts its line and that specifiers stand in single quotes.
const STATEMENTS = [
  /^(?:import|export)\b[^;'"`]*?\bfrom\s+['"]([^'"]+)['"]/gm,
  /^import\s+['"]([^'"]+)['"]/gm,
  /\b(?:import|require|import\.meta\.resolve)\(\s*['"]([^'"]+)['"]/g,
];
// An import whose target cannot be read here would be a way around the table.
const COMPUTED = /(?<![.\w])(?:import|require)\(\s*(?!['"\s])/g;

/** The specifiers of every import, re-export and dynamic import; `<computed>` for one that is no literal. */
export function readImports(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
  const found = STATEMENTS.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''));
  return [...found, ...[...code.matchAll(COMPUTED)].map(() => '<computed>')];
}
