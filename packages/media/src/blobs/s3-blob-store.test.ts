import { S3 } from '@aws-sdk/client-s3';
import { describeBlobStore } from './blob-store.contract.ts';
import { createS3BlobStore } from './s3-blob-store.ts';
import { startS3Server } from './s3-server.fixture.ts';

describeBlobStore('an S3 blob store', async () => {
  const server = await startS3Server();
  // A page of 7 makes every listing walk several pages.
  const options = { ...server.connection, prefix: 'apps/postern', listPageSize: 7 };
  const { endpoint, region, accessKeyId, secretAccessKey } = server.connection;
  const dead = new S3({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  return {
    store: createS3BlobStore(options),
    another: createS3BlobStore(options),
    async leaveTemporary() {
      const address = { Bucket: server.connection.bucket, Key: 'apps/postern/blobs/dead' };
      const { UploadId } = await dead.createMultipartUpload(address);
      await dead.uploadPart({ ...address, UploadId, PartNumber: 1, Body: Buffer.from('half') });
    },
    async countEverything() {
      return (await server.countObjects('apps/postern/blobs/')) + (await server.countUploads());
    },
    close: () => server.stop(),
  };
});
