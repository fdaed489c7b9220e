import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cachedFolder, fetchPackage } from './fetch-package.mjs';
import { OLDEST_MAJOR, RELEASES } from './node-releases.mjs';

/**
 * The path of a Node that runs Postern: this one when it is new enough, else one that is fetched once into the cache.
 * Says on standard error what it does. Throws an Error whose message says what to install.
 */
export async function findNode() {
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_MAJOR) return process.execPath;
  const release = RELEASES[`${process.platform}-${process.arch}`];
  if (!release) throw tooOld(`none can be fetched for ${process.platform} on ${process.arch}`);
  const folder = cachedFolder(`node-${release.version}`);
  const node = join(folder, 'bin', 'node');
  if (existsSync(node)) {
    console.error(`This is Node ${process.version}; going on with ${release.version} from the cache.`);
  } else {
    console.error(
      `This is Node ${process.version}, Postern needs ${OLDEST_MAJOR}: fetching ${release.version} (once) ...`,
    );
    await fetchPackage(release, folder).catch((error) => {
      throw tooOld(error.message);
    });
  }
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim();
  if (version !== `v${release.version}`) throw tooOld(`the fetched one does not run here (${node})`);
  return node;
}

function tooOld(why) {
  return new Error(
    `Postern needs Node.js ${OLDEST_MAJOR} or newer; this is ${process.version}, and ${why}. Install it from nodejs.org.`,
  );
}
