import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A certificate authority of our own and a leaf for loopback signed by it, all PEM. */
interface MediaCertificate {
  authority: string;
  leaf: string;
  leafKey: string;
}

const FILES = { authority: 'media-ca.pem', leaf: 'media-leaf.pem', leafKey: 'media-leaf-key.pem' } as const;
const DAY_MS = 86_400_000;

/** Creates both for a year, valid for 127.0.0.1 and localhost. The authority's key is thrown away. */
async function createMediaCertificate(): Promise<MediaCertificate> {
  const validity = {
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(Date.now() + 365 * DAY_MS),
    keyType: 'ec',
    algorithm: 'sha256',
  } as const;
  const authority = await generate([{ name: 'commonName', value: 'Simulated media authority' }], {
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...validity,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 7, ip: '127.0.0.1' },
          { type: 2, value: 'localhost' },
        ],
      },
    ],
  });
  return { authority: authority.cert, leaf: leaf.cert, leafKey: leaf.private };
}

/**
 * Reads the certificate kept in a directory, or creates and keeps one there when it is absent or ends within a day.
 * A process that was started to trust it thus survives a restart of the simulator. Returns the authority's path too.
 */
export async function readOrCreateMediaCertificate(
  directory: string,
): Promise<{ certificate: MediaCertificate; authorityPath: string }> {
  const authorityPath = join(directory, FILES.authority);
  const kept = await readMediaCertificate(directory);
  if (kept) return { certificate: kept, authorityPath };
  const certificate = await createMediaCertificate();
  await mkdir(directory, { recursive: true });
  const keyPath = join(directory, FILES.leafKey);
  await writeFile(keyPath, certificate.leafKey, { mode: 0o600 });
  await chmod(keyPath, 0o600);
  await writeFile(join(directory, FILES.leaf), certificate.leaf);
  await writeFile(authorityPath, certificate.authority);
  return { certificate, authorityPath };
}

async function readMediaCertificate(directory: string): Promise<MediaCertificate | undefined> {
  try {
    const read = (name: string) => readFile(join(directory, name), 'utf8');
    const certificate = {
      authority: await read(FILES.authority),
      leaf: await read(FILES.leaf),
      leafKey: await read(FILES.leafKey),
    };
    const ends = Date.parse(new X509Certificate(certificate.leaf).validTo);
    return ends > Date.now() + DAY_MS ? certificate : undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
