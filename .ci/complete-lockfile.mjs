// Adds to package-lock.json the builds for other platforms that npm left out: npm writes only those that the registry it
// asked offered (npm/cli#4828), and then refuses `npm ci`, here and on those platforms. Their versions are exact in the
// packages that want them, so nothing is guessed. Changes nothing when nothing is missing.
//   node .ci/complete-lockfile.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const { packages } = lock;

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

/** Whether a package installed at `path` finds `name` in its own or an outer node_modules. */
function isLocked(path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]) return true;
    if (at === '') return false;
    if (!at.includes('node_modules/')) at = '';
  }
}

/** `…-linux-x64-musl` says where it runs; so must its entry, or npm would install it everywhere. */
function toPlatform(name) {
  const words = name.split(/[-/]/);
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  if (!os || !cpu) return undefined;
  const libc = os !== 'linux' ? {} : words.some((word) => word.startsWith('musl')) ? { libc: ['musl'] } : {};
  return { os: [os], cpu: [cpu], ...libc };
}

const added = {};
for (const [path, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (isLocked(path, name)) continue;
    const platform = toPlatform(name);
    if (!/^\d+\.\d+\.\d+\S*$/.test(version) || !platform) {
      process.stderr.write(`${path} wants ${name}@${version}, which is not in the lock file and cannot be completed\n`);
      process.exitCode = 1;
    } else {
      added[`node_modules/${name}`] = { version, ...platform, ...(dev ? { dev } : {}), optional: true };
    }
  }
}

const names = Object.keys(added);
if (names.length > 0 && process.argv.includes('--check')) {
  process.stderr.write(`package-lock.json lacks ${names.length} builds of other platforms; run: node .ci/complete-lockfile.mjs
`);
  process.exitCode = 1;
} else if (names.length > 0) {
  lock.packages = Object.fromEntries(
    Object.entries({ ...packages, ...added }).sort(([a], [b]) => a.localeCompare(b, 'en')),
  );
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`Added ${names.length} builds for other platforms to package-lock.json\n`);
}
