import { Duration } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { AccessLogs } from './access-logs.ts';

const KEEP_OVERWRITTEN = Duration.days(90);

/**
 * The bucket of the templates of all installed releases, which tenants keep until they are updated. The CDK's own bucket may be
 * cleared of what no stack uses. It remains when the stack is deleted.
 */
export class ReleaseBucket extends Construct {
  readonly bucket: IBucket;

  constructor(scope: Construct, id: string, { logs }: { readonly logs: AccessLogs }) {
    super(scope, id);
    const bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      versioned: true,
      lifecycleRules: [{ noncurrentVersionExpiration: KEEP_OVERWRITTEN }],
    });
    logs.ofBucket(bucket, 's3/releases');
    this.bucket = bucket as IBucket;
  }
}
