import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import type S3rver from 's3rver';

type Store = S3rver['store'];

/** s3rver writes into the object's own file; S3 shows an object only when it is whole. */
export function storeAtomically(store: Store): void {
  store.putObject = async (object) => {
    const bytes = Buffer.concat(await object.content.toArray());
    const path = store.getResourcePath(object.bucket, object.key, 'object');
    const temporary = join(store.rootDirectory, randomUUID());
    const md5 = createHash('md5').update(bytes).digest('hex');
    await writeFile(temporary, bytes);
    await mkdir(dirname(path), { recursive: true });
    // Keeps s3rver from removing the folder with its last object while another object is being written.
    await writeFile(join(dirname(path), '.keep'), '');
    await store.putMetadata(object.bucket, object.key, object.metadata, md5);
    await rename(temporary, path);
    return { size: bytes.byteLength, md5 };
  };
}

/**
 * Answers what s3rver does not: aborting, listing and describing multipart uploads, listing in pages (its tokens need a
 * cipher that OpenSSL 3 dropped) and, if wanted, conditional writes. False leaves the request to s3rver.
 */
export async function answerWhatS3rverLacks(
  store: Store,
  { method, url = '', headers }: IncomingMessage,
  response: ServerResponse,
  conditionalWrites: boolean,
): Promise<boolean> {
  const { pathname, searchParams: query } = new URL(url, 'http://localhost');
  const [bucket = '', ...rest] = decodeURIComponent(pathname.slice(1)).split('/');
  const key = rest.join('/');
  const uploads = store.getResourcePath(bucket, undefined, 'uploads');
  const uploadId = query.get('uploadId');
  const reply = (status: number, xml = '') => {
    response.writeHead(status, { 'content-type': 'application/xml' });
    response.end(xml);
    return true;
  };
  const refuse = (status: number, code: string) =>
    reply(status, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);

  if (uploadId !== null && !(await exists(join(uploads, uploadId)))) return refuse(404, 'NoSuchUpload');
  if (method === 'DELETE' && uploadId !== null) {
    await rm(join(uploads, uploadId), { recursive: true, force: true });
    return reply(204);
  }
  if (method === 'GET' && uploadId !== null) return reply(200, await describeParts(join(uploads, uploadId)));
  if (method === 'GET' && query.has('uploads')) return reply(200, await describeUploads(uploads, query));
  if (method === 'GET' && query.has('list-type')) return reply(200, await describeObjects(store, bucket, query));
  if (method === 'PUT' && headers['if-none-match'] === '*' && conditionalWrites) {
    return (await claim(store, bucket, key)) ? false : refuse(412, 'PreconditionFailed');
  }
  return false;
}

const claimed = new WeakMap<Store, Set<string>>();

/** True for one writer of a key that does not exist. */
async function claim(store: Store, bucket: string, key: string): Promise<boolean> {
  const keys = claimed.get(store) ?? new Set();
  claimed.set(store, keys);
  if (await store.existsObject(bucket, key)) return false;
  if (keys.has(key)) return false;
  keys.add(key);
  return true;
}

async function describeParts(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => /^\d+$/.test(name));
  const parts = await Promise.all(
    names.map(async (name) => {
      const { mtime } = await stat(join(folder, name));
      return `<Part><PartNumber>${name}</PartNumber><LastModified>${mtime.toISOString()}</LastModified></Part>`;
    }),
  );
  return `<ListPartsResult>${parts.join('')}<IsTruncated>false</IsTruncated></ListPartsResult>`;
}

/** One upload a page, so that walking the pages is part of every listing. */
async function describeUploads(uploads: string, query: URLSearchParams): Promise<string> {
  const found: { id: string; key: string; xml: string }[] = [];
  for (const id of await readdir(uploads).catch(() => [])) {
    const key = await readFile(join(uploads, id, 'key'), 'utf8');
    const { mtime } = await stat(join(uploads, id, 'key'));
    const xml = `<Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${mtime.toISOString()}</Initiated>`;
    if (key.startsWith(query.get('prefix') ?? '')) found.push({ id, key, xml: `<Upload>${xml}</Upload>` });
  }
  const order = ({ key, id }: { key: string; id: string }) => `${key} ${id}`;
  const after = `${query.get('key-marker') ?? ''} ${query.get('upload-id-marker') ?? ''}`;
  const rest = found.filter((upload) => order(upload) > after).toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
  const [first] = rest;
  const next = first
    ? `<NextKeyMarker>${first.key}</NextKeyMarker><NextUploadIdMarker>${first.id}</NextUploadIdMarker>`
    : '';
  return `<ListMultipartUploadsResult>${first?.xml ?? ''}${next}<IsTruncated>${rest.length > 1}</IsTruncated></ListMultipartUploadsResult>`;
}

async function describeObjects(store: Store, bucket: string, query: URLSearchParams): Promise<string> {
  const { objects, isTruncated } = await store.listObjects(bucket, {
    prefix: query.get('prefix') ?? '',
    startAfter: query.get('continuation-token') ?? '',
    maxKeys: Number(query.get('max-keys') ?? 1_000),
  });
  const contents = objects.map(
    ({ key, lastModifiedDate: at }) =>
      `<Contents><Key>${key}</Key><LastModified>${at.toISOString()}</LastModified></Contents>`,
  );
  const token = isTruncated ? `<NextContinuationToken>${objects.at(-1)?.key}</NextContinuationToken>` : '';
  return `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`;
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
