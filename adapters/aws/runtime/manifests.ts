import { createHash } from 'node:crypto';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { jsonIn } from '../../../core/encoding/json.ts';
import { DomainError } from '../../../core/errors.ts';
import {
  type ManifestReference,
  type Manifests,
  manifestKey,
  type PublishedRelease,
} from '../../../core/ports/manifests.ts';
import { firstSuccess } from '../../../core/retry/first-success.ts';
import { asDomainError } from '../store/errors.ts';

const HEX_256 = /^[0-9a-f]{64}$/;
/** The text of a manifest. */
const Manifest = z.object({
  release: z.string(),
  templates: z.record(
    z.string(),
    z.object({
      /** Of an object in the same bucket. */
      key: z.string().regex(/^releases(\/[a-z0-9_-][a-z0-9._-]*)+\.json$/),
      sha256: z.string().regex(HEX_256),
      parameters: z.array(z.string().regex(/^[A-Za-z0-9]+$/)),
    }),
  ),
});

/** Manifests in S3. That of the current release must have the digest with which it was installed. */
export function openManifests(s3: S3Client, current: ManifestReference): Manifests {
  const { bucketUrl } = current;
  const Bucket = new URL(bucketUrl).pathname.split('/').at(-1) ?? '';
  const known = new Map<string, () => Promise<PublishedRelease>>();

  async function read(release: string): Promise<PublishedRelease> {
    const text = await s3
      .send(new GetObjectCommand({ Bucket, Key: manifestKey(release) }))
      .then(async ({ Body }) => (await Body?.transformToString()) ?? '')
      .catch((error: unknown) => {
        throw errorOf(release, error);
      });
    if (release === current.release) requireDigest(text, current);
    return published(release, text, bucketUrl);
  }

  return {
    of(release) {
      const once = known.get(release) ?? firstSuccess(() => read(release));
      known.set(release, once);
      return once();
    },
  };
}

/** During an installation, the manifest may be newer than the caller. */
function requireDigest(text: string, { release, sha256 }: ManifestReference): void {
  const got = createHash('sha256').update(text).digest('hex');
  if (got === sha256) return;
  throw new DomainError('UNAVAILABLE', `the manifest of release ${release} must have SHA-256 ${sha256}, got ${got}`);
}

function published(release: string, text: string, bucketUrl: string): PublishedRelease {
  const parsed = Manifest.safeParse(jsonIn(text));
  if (!parsed.success || parsed.data.release !== release) {
    const issue = parsed.error?.issues[0];
    const reason = issue ? `${issue.path.join('.')}: ${issue.message}` : `it is that of ${parsed.data?.release}`;
    throw new DomainError('FAILED', `the manifest of release ${release} is invalid: ${reason}`);
  }
  const templates = Object.entries(parsed.data.templates).map(
    ([name, { key, parameters }]) => [name, { url: `${bucketUrl}/${key}`, parameters }] as const,
  );
  return { release, templates: Object.fromEntries(templates) };
}

/** S3 denies access to what does not exist, because the caller may not list the bucket. */
function errorOf(release: string, cause: unknown): DomainError {
  const isMissing = cause instanceof Error && /^(NoSuchKey|AccessDenied)$/.test(cause.name);
  if (!isMissing) return asDomainError('S3', cause);
  return new DomainError('FAILED', `release ${release} is not published in this environment`, { cause });
}
