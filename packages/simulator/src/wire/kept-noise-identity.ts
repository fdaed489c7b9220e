import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BufferJSON } from '@whiskeysockets/baileys';
import { z } from 'zod';
import { createNoiseIdentity, type NoiseIdentity } from './certificate-authority.ts';

const FILE = 'noise-identity.json';

const identitySchema = z.object({
  keys: z.object({ public: z.instanceof(Uint8Array), private: z.instanceof(Uint8Array) }),
  certificateChain: z.instanceof(Uint8Array),
  rootKey: z.string().regex(/^[\da-f]{64}$/),
});

/** Reads the identity kept in a directory, or creates and keeps one: clients that trust its root survive a restart. */
export async function readOrCreateNoiseIdentity(directory: string): Promise<NoiseIdentity> {
  const path = join(directory, FILE);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text !== undefined) return identitySchema.parse(JSON.parse(text, BufferJSON.reviver));
  const identity = createNoiseIdentity();
  await mkdir(directory, { recursive: true });
  await writeFile(path, JSON.stringify(identity, BufferJSON.replacer), { mode: 0o600 });
  return identity;
}
