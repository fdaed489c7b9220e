import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { cacheFolder, findProgram, isRunnable, unpackedProgram, unpackFromApt } from '@postern/programs';
import { fetchPackage } from '../../apps/demo/setup/fetch-package.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const APPLICATIONS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** A headless Chromium for Linux on x64, with its libraries and a font, compressed with Brotli. */
const RELEASE = {
  name: '@sparticuz/chromium',
  version: '153.0.0',
  integrity: 'sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==',
};

/** The path of a Chromium: CHROMIUM_PATH, one that is installed, or one that is fetched once into the cache; or undefined. */
export async function findBrowser(onProgress: (step: string) => void): Promise<string | undefined> {
  const chosen = process.env['CHROMIUM_PATH'];
  if (chosen !== undefined) return (await isRunnable(chosen)) ? chosen : undefined;
  return (
    (await findInstalled()) ?? (await findUnpacked()) ?? (await fetchFromRegistry(onProgress)) ?? unpack(onProgress)
  );
}

async function findInstalled(): Promise<string | undefined> {
  const onPath = await findProgram(NAMES);
  return onPath ?? APPLICATIONS.find((path) => existsSync(path));
}

async function findUnpacked(): Promise<string | undefined> {
  const path = unpackedProgram('chromium', 'chromium');
  return (await isRunnable(path)) ? path : undefined;
}

async function fetchFromRegistry(onProgress: (step: string) => void): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = join(cacheFolder(), `chromium-${RELEASE.version}`);
  const starter = join(folder, 'start');
  if (!existsSync(starter)) {
    onProgress('Chromium is not installed; fetching one (once; 70 MB) ...');
    await fetchPackage(RELEASE, folder, (fresh) => decompress(fresh, folder)).catch((error: unknown) =>
      onProgress(`Chromium cannot be fetched: ${error instanceof Error ? error.message : String(error)}`),
    );
  }
  return (await isRunnable(starter)) ? starter : undefined;
}

/** Decompresses the browser in `fresh`, and writes what starts it from where it will lie. */
async function decompress(fresh: string, folder: string): Promise<void> {
  const compressed = join(fresh, 'bin');
  const inflate = (name: string, target: string) =>
    pipeline(createReadStream(join(compressed, name)), createBrotliDecompress(), createWriteStream(target));
  await inflate('chromium.br', join(fresh, 'chromium'));
  for (const name of ['fonts', 'swiftshader', 'al2023']) {
    const archive = join(fresh, `${name}.tar`);
    await inflate(`${name}.tar.br`, archive);
    execFileSync('tar', ['-xf', archive, '-C', fresh]);
    await rm(archive);
  }
  await rm(compressed, { recursive: true });
  const fonts = [join(folder, 'fonts'), '/usr/share/fonts'].map((path) => `<dir>${path}</dir>`).join('');
  await writeFile(
    join(fresh, 'fonts', 'fonts.conf'),
    `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${fonts}<cachedir>${join(folder, 'font-cache')}</cachedir></fontconfig>\n`,
  );
  const script = [
    '#!/bin/sh',
    `LD_LIBRARY_PATH="${join(folder, 'lib')}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"`,
    `FONTCONFIG_PATH="${join(folder, 'fonts')}"`,
    'export LD_LIBRARY_PATH FONTCONFIG_PATH',
    `exec "${join(folder, 'chromium')}" "$@"`,
    '',
  ];
  await writeFile(join(fresh, 'start'), script.join('\n'));
  for (const program of ['chromium', 'start']) await chmod(join(fresh, program), 0o755);
}

/** Where the registry has none for this processor, the distribution may. */
async function unpack(onProgress: (step: string) => void): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  onProgress('Chromium is not installed; unpacking the one of the distribution (once; 220 MB) ...');
  await unpackFromApt({ name: 'chromium', programs: ['chromium'] }).catch(() => undefined);
  return findUnpacked();
}
