export { cacheFolder } from './cache-folder.ts';
export { findProgram, isRunnable } from './find-program.ts';
export { type AptPackage, unpackedProgram, unpackFromApt } from './unpack-from-apt.ts';
