import { posix } from 'node:path';
import {
  CONFINED_LIBRARIES,
  ENVIRONMENT_READERS,
  FORBIDDEN_FOLDERS,
  MAX_LINES,
  ONLY_LIBRARIES,
  WORKSPACES,
} from './import-table.ts';
import { readImports, type SourceFile } from './source-file.ts';

/** Test code, which may reach further: `x.test.ts`, and what only tests load: `x.fixture.ts`, `x.contract.ts`, `testing/`. */
function isTestCode(path: string): boolean {
  return /\.(test|fixture|contract)\.(ts|mts|mjs)$|\/testing\//.test(path);
}

/** What is wrong with one file of a workspace's src, one line each; empty when nothing is. */
export function findViolations(file: SourceFile): string[] {
  const complain = (text: string) => `${file.path} ${text}`;
  const imports = readImports(file.text).flatMap((specifier) => {
    const reason = judgeImport(file.path, specifier);
    return reason === undefined ? [] : [complain(`imports ${specifier}: ${reason}`)];
  });
  const lines = file.text.trimEnd().split('\n').length;
  return [
    ...imports,
    ...(lines > MAX_LINES ? [complain(`has ${lines} lines, at most ${MAX_LINES} are wanted`)] : []),
    ...(logsUnderError(file) ? [complain('logs an error under a key other than err')] : []),
    ...(readsEnvironment(file) ? [complain('reads process.env, which only main.ts may')] : []),
  ];
}

export function isForbiddenFolder(path: string): boolean {
  return FORBIDDEN_FOLDERS.includes(posix.basename(path));
}

function judgeImport(path: string, specifier: string): string | undefined {
  const workspace = path.split('/').slice(0, 2).join('/');
  const row = WORKSPACES[workspace];
  if (!row) return `${workspace} is missing in test/architecture/import-table.ts`;
  if (specifier === '<computed>') return 'its target cannot be read';
  if (specifier.startsWith('node:')) return undefined;
  if (specifier.startsWith('.') || specifier.startsWith('/')) {
    const target = posix.join(posix.dirname(path), specifier);
    return target.startsWith(`${workspace}/`) ? undefined : 'another workspace is imported by its name';
  }
  if (specifier.startsWith('@postern/')) return judgeWorkspaceImport(path, specifier, row.own, row.tests);
  return judgeLibraryImport(path, workspace, specifier);
}

function judgeWorkspaceImport(
  path: string,
  specifier: string,
  own: readonly string[],
  tests: readonly string[],
): string | undefined {
  const allowed = isTestCode(path) ? [...own, ...tests] : own;
  if (allowed.includes(specifier.slice('@postern/'.length))) return undefined;
  return `allowed are ${allowed.join(', ') || 'no workspaces'}`;
}

function judgeLibraryImport(path: string, workspace: string, specifier: string): string | undefined {
  const library = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const only = ONLY_LIBRARIES[workspace];
  if (only && !isTestCode(path) && !only.includes(library)) return `only ${only.join(', ')} is allowed here`;
  const places = CONFINED_LIBRARIES[library];
  if (!places || isTestCode(path) || places.some((place) => path.startsWith(place))) return undefined;
  return `it belongs to ${places.join(' and ')} alone`;
}

function readsEnvironment({ path, text }: SourceFile): boolean {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
  if (path.endsWith('/main.ts') || isTestCode(path) || path in ENVIRONMENT_READERS) return false;
  return /\bprocess\s*(\.|\[\s*['"])env\b/.test(code) || /\benv\b[^;]*from\s+['"](node:)?process['"]/.test(code);
}

const LOG_CALLS = /\.(?:fatal|error|warn|info|debug|trace|child)\(\s*\{((?:[^{}]|\{[^{}]*\})*)\}/g;

/** Error or not, `err` is the key whose value is known to hold no secret. */
function logsUnderError({ path, text }: SourceFile): boolean {
  if (isTestCode(path)) return false;
  return [...text.matchAll(LOG_CALLS)].some(([, fields = '']) =>
    /(?:^|[,{])\s*(?:\.{3})?error\s*(?:[,:}]|$)/.test(fields),
  );
}
