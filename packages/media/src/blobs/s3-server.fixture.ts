import { once } from 'node:events';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { answerWhatS3rverLacks, storeAtomically } from './s3-server-additions.fixture.ts';

const BUCKET = 'postern-test';

/** What a test lets happen instead of, or after, the server's own answer. */
export type Fault = 'refuse' | 'hang' | 'lose the answer';

export interface S3ServerUnderTest {
  connection: {
    endpoint: string;
    region: string;
    bucket: string;
    accessKeyId: string;
    secretAccessKey: string;
    forcePathStyle: boolean;
  };
  /** Decides about each request, e.g. `PUT /bucket/key?uploadId=…`; undefined lets it pass. */
  faultOf: (request: string) => Fault | undefined;
  /** Every request, in the order of arrival. */
  requests: string[];
  /** Whether `If-None-Match` is honoured, as by AWS, or ignored, as by s3rver. */
  conditionalWrites: boolean;
  countObjects(prefix: string): Promise<number>;
  countUploads(): Promise<number>;
  /** Makes every multipart upload begin this long ago; its parts stay as young as they are. */
  ageUploads(ms: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * An S3 server on loopback: s3rver (access keys, routing, objects, parts), with what it lacks added in front of it as the
 * S3 API reference describes it. It looks access keys up, but verifies no version 4 signatures.
 */
export async function startS3Server(): Promise<S3ServerUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 's3-'));
  const s3rver = new S3rver({ directory, silent: true, vhostBuckets: false, configureBuckets: [{ name: BUCKET }] });
  await s3rver.configureBuckets();
  const { store } = s3rver;
  storeAtomically(store);
  const serve = s3rver.callback();
  const uploadFolder = store.getResourcePath(BUCKET, undefined, 'uploads');

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const asked = `${request.method} ${request.url}`;
    tested.requests.push(asked);
    const fault = tested.faultOf(asked);
    if (fault === 'hang') return;
    if (fault === 'refuse') {
      request.resume();
      response.writeHead(503, { 'content-type': 'application/xml' });
      response.end('<Error><Code>ServiceUnavailable</Code><Message>Reduce your request rate.</Message></Error>');
      return;
    }
    if (fault === 'lose the answer') response.end = () => response.destroy();
    if (!(await answerWhatS3rverLacks(store, request, response, tested.conditionalWrites))) serve(request, response);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const tested: S3ServerUnderTest = {
    connection: {
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: 'us-east-1',
      bucket: BUCKET,
      accessKeyId: 'S3RVER',
      secretAccessKey: 'S3RVER',
      forcePathStyle: true,
    },
    faultOf: () => undefined,
    requests: [],
    conditionalWrites: true,
    async countObjects(prefix) {
      return (await store.listObjects(BUCKET, { prefix, startAfter: '', maxKeys: 1_000 })).objects.length;
    },
    async countUploads() {
      return (await readdir(uploadFolder).catch(() => [])).length;
    },
    async ageUploads(ms) {
      const at = new Date(Date.now() - ms);
      for (const id of await readdir(uploadFolder)) await utimes(join(uploadFolder, id, 'key'), at, at);
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await rm(directory, { recursive: true });
    },
  };
  return tested;
}
