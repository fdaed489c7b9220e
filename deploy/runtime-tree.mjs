// Copies what gateway and worker need to run, and nothing else: their built files, those of the packages that they depend on,
// and the installed packages that any of these needs by the lock file. Run it where everything is installed and built.
//   node deploy/runtime-tree.mjs <target folder>
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('Say where to: node deploy/runtime-tree.mjs <target folder>');

const APPS = ['apps/gateway', 'apps/worker'];
const ONLY_FOR_TOOLS = /\.d\.[cm]?ts$|\.map$/;
/** What of a workspace runs. */
const RUNS = ['package.json', 'dist', 'public', 'docs-page', 'openapi.yaml'];
const ONLY_FOR_TESTS = /\.(test|fixture|contract)\.|\/testing(\/|$)|\.tsbuildinfo$/;

const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

/** Where `path` finds the package `name`: in its own or an outer node_modules. */
function resolve(path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const found = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (packages[found]) return found;
    if (at === '') return undefined;
  }
}

/** What the package at `path` cannot run without, and what it takes where it is there for this platform. */
function dependenciesOf({ dependencies, optionalDependencies, peerDependencies = {}, peerDependenciesMeta = {} }) {
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  return [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers];
}

const needed = new Set();
function need(path) {
  if (needed.has(path)) return;
  needed.add(path);
  const entry = packages[path];
  if (entry.link) return need(entry.resolved);
  for (const name of dependenciesOf(entry)) {
    const found = resolve(path, name);
    if (found !== undefined) need(found);
  }
}
for (const app of APPS) need(app);

for (const path of needed) {
  const from = join(root, path);
  const to = join(target, path);
  // Another platform's build of an optional dependency is not installed.
  if (!existsSync(from)) continue;
  if (packages[path].link) {
    cpSync(from, to, { recursive: true, verbatimSymlinks: true });
  } else if (path.includes('node_modules/')) {
    // Packages inside it are needed on their own account.
    const isOwn = (source) => !relative(from, source).split('/').includes('node_modules');
    cpSync(from, to, { recursive: true, filter: (source) => isOwn(source) && !ONLY_FOR_TOOLS.test(source) });
  } else {
    const runs = (source) => !ONLY_FOR_TESTS.test(source) && !ONLY_FOR_TOOLS.test(source);
    for (const name of RUNS.filter((each) => existsSync(join(from, each)))) {
      cpSync(join(from, name), join(to, name), { recursive: true, filter: runs });
    }
  }
}
