import { dirname } from 'node:path';
import { type AptPackage, findProgram, isRunnable, unpackedProgram, unpackFromApt } from '@postern/programs';

/** Programs that some tests run, and Debian's package of each. */
const PACKAGES: readonly (AptPackage & { versionArgs?: readonly string[] })[] = [
  { name: 'curl', programs: ['curl'] },
  { name: 'openssl', programs: ['openssl'], versionArgs: ['version'] },
  // Go programs, complete in themselves. Installing Prometheus would start a server.
  { name: 'prometheus', programs: ['promtool', 'prometheus'], standsAlone: true },
  { name: 'kubernetes-client', programs: ['kubectl'], standsAlone: true, versionArgs: ['version', '--client'] },
];

export interface FoundPrograms {
  /** Folders for PATH. */
  folders: string[];
  /** Programs that are neither installed nor to be had. */
  missing: string[];
}

/** Finds each program on PATH, else unpacks its package into the cache. */
export async function findPrograms(onProgress: (step: string) => void): Promise<FoundPrograms> {
  const folders = new Set<string>();
  const missing: string[] = [];
  for (const wanted of PACKAGES) {
    for (const program of wanted.programs) {
      if (await findProgram([program], wanted.versionArgs)) continue;
      const path = unpackedProgram(wanted.name, program);
      if (!(await isRunnable(path, wanted.versionArgs))) {
        onProgress(`${program} is not installed; unpacking ${wanted.name} of the distribution (once) ...`);
        await unpackFromApt(wanted).catch(() => undefined);
      }
      if (await isRunnable(path, wanted.versionArgs)) folders.add(dirname(path));
      else missing.push(program);
    }
  }
  return { folders: [...folders], missing };
}
