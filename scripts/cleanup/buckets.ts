import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  ListObjectVersionsCommand,
  PutBucketLoggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { unlessGone } from './operation.ts';

/** Ends the access log of a bucket, so that no new objects reach the bucket of the logs. */
export async function stopLogging(s3: S3Client, Bucket: string): Promise<void> {
  await unlessGone(s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} })));
}

/** Deletes every object with its old versions and delete markers. */
export async function emptyBucket(s3: S3Client, Bucket: string): Promise<void> {
  // The objects of a page are deleted before the next request, which therefore returns the following ones.
  for (;;) {
    const page = await s3.send(new ListObjectVersionsCommand({ Bucket }));
    const Objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key = '', VersionId }) => ({
      Key,
      ...(VersionId !== undefined && { VersionId }),
    }));
    if (Objects.length === 0) return;
    const { Errors = [] } = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    const [first] = Errors;
    if (first) throw new Error(`${first.Key} cannot be deleted: ${first.Message}`);
  }
}

/** Deletes a bucket with its objects. */
export async function deleteBucket(s3: S3Client, Bucket: string): Promise<void> {
  await unlessGone(emptyBucket(s3, Bucket).then(() => s3.send(new DeleteBucketCommand({ Bucket }))));
}
