import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json',
};

export interface SiteFileProps {
  readonly bucket: IBucket;
  /** The path in the site, without a slash at its beginning. Files below `assets/` must have their content's hash in their name. */
  readonly path: string;
  /** At most 100 KB. It may contain values that are known only at deployment. */
  readonly content: string;
}

/**
 * A file of a site that is written at deployment. Browsers keep files below `assets/` for a year and ask for every other file
 * each time. The file says so itself, so a page that CloudFront returns instead of a missing asset is never kept.
 */
export class SiteFile extends Construct {
  constructor(scope: Construct, id: string, { bucket, path, content }: SiteFileProps) {
    super(scope, id);
    const put = {
      service: 'S3',
      action: 'putObject',
      parameters: {
        ...{ Bucket: bucket.bucketName, Key: path, Body: content },
        ContentType: contentTypeOf(path),
        CacheControl: path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      },
      physicalResourceId: PhysicalResourceId.of(path),
      outputPaths: ['ETag'],
    };
    new AwsCustomResource(this, 'Put', {
      onUpdate: put,
      policy: AwsCustomResourcePolicy.fromStatements([
        new PolicyStatement({ actions: ['s3:PutObject'], resources: [bucket.arnForObjects(path)] }),
      ]),
      installLatestAwsSdk: false,
    });
  }
}

function contentTypeOf(path: string): string {
  const type = CONTENT_TYPES[path.slice(path.lastIndexOf('.') + 1)];
  if (type === undefined) throw new Error(`the name of a site's file must end with .css, .html or .json, got ${path}`);
  return type;
}
