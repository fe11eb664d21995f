import { Duration, Stack } from 'aws-cdk-lib';
import {
  CachePolicy,
  Distribution,
  type ErrorResponse,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  ResponseHeadersPolicy,
  S3OriginAccessControl,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket } from 'aws-cdk-lib/aws-s3';
import { NagSuppressions } from 'cdk-nag';
import { Construct } from 'constructs';
import type { AccessLogs } from './access-logs.ts';
import type { Site } from './shared-infra.ts';

export interface WebSiteProps {
  /** Part of the names that must be unique in the account. */
  readonly name: string;
  readonly logs: AccessLogs;
}

/**
 * A web application: files in a bucket, served by CloudFront and by nothing else. `SiteFile` publishes files with the headers
 * that control caching.
 */
export class WebSite extends Construct implements Site {
  readonly bucket: IBucket;
  readonly distributionId: string;
  readonly url: string;

  constructor(scope: Construct, id: string, { name, logs }: WebSiteProps) {
    super(scope, id);
    const bucket = siteBucket(this, logs, name);
    const distribution = new Distribution(this, 'Distribution', {
      comment: name,
      defaultRootObject: 'index.html',
      httpVersion: HttpVersion.HTTP2_AND_3,
      defaultBehavior: {
        // CDK declares its classes without exact optional properties, so they do not match its own interfaces.
        origin: S3BucketOrigin.withOriginAccessControl(bucket as IBucket, {
          originAccessControl: new S3OriginAccessControl(this, 'AccessControl', {
            originAccessControlName: `${name}-${Stack.of(this).region}`,
          }),
        }),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        cachePolicy: CachePolicy.CACHING_OPTIMIZED,
        responseHeadersPolicy: securityHeaders(this, name),
        compress: true,
      },
      errorResponses: [403, 404].map(indexInsteadOf),
      logBucket: logs.bucket as IBucket,
      logFilePrefix: `cloudfront/${name}/`,
    });
    suppressRules(distribution);
    this.bucket = bucket as IBucket;
    this.distributionId = distribution.distributionId;
    this.url = `https://${distribution.distributionDomainName}`;
  }
}

function siteBucket(scope: Construct, logs: AccessLogs, name: string): Bucket {
  const bucket = new Bucket(scope, 'Bucket', {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    versioned: true,
    lifecycleRules: [{ noncurrentVersionExpiration: Duration.days(30) }],
  });
  logs.ofBucket(bucket, `s3/${name}`);
  return bucket;
}

/** The application shows its own page for a deep link, for which the bucket has no file. The bucket reports 403 or 404. */
function indexInsteadOf(httpStatus: number): ErrorResponse {
  return { httpStatus, responseHttpStatus: 200, responsePagePath: '/index.html', ttl: Duration.seconds(0) };
}

/** Only the site's own files may run in its pages. They may call the APIs and the sign-in of this region. */
function securityHeaders(scope: Construct, name: string): ResponseHeadersPolicy {
  const { region } = Stack.of(scope);
  const apis = `https://*.execute-api.${region}.amazonaws.com https://*.auth.${region}.amazoncognito.com`;
  const contentSecurityPolicy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "manifest-src 'self'",
    `connect-src 'self' ${apis}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  return new ResponseHeadersPolicy(scope, 'Headers', {
    // CloudFront's names are global, so they have the region.
    responseHeadersPolicyName: `${name}-${region}`,
    securityHeadersBehavior: {
      contentSecurityPolicy: { contentSecurityPolicy, override: true },
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
      referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
      strictTransportSecurity: {
        accessControlMaxAge: Duration.days(365),
        includeSubdomains: true,
        override: true,
      },
    },
    customHeadersBehavior: {
      customHeaders: [
        { header: 'cross-origin-opener-policy', value: 'same-origin', override: true },
        { header: 'permissions-policy', value: 'camera=(), geolocation=(), microphone=()', override: true },
      ],
    },
  });
}

function suppressRules(distribution: Distribution): void {
  NagSuppressions.addResourceSuppressions(distribution, [
    { id: 'AwsSolutions-CFR1', reason: 'Tenants and administrators may be in any country.' },
    {
      id: 'AwsSolutions-CFR2',
      reason: 'The site serves static files only. A firewall protects the REST API, which has the data.',
    },
    {
      id: 'AwsSolutions-CFR4',
      reason: "The certificate of CloudFront's own domain fixes the TLS policy. A custom domain could raise it.",
    },
  ]);
}
