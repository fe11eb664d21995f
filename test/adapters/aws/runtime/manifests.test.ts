import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openManifests } from '../../../../adapters/aws/runtime/manifests.ts';
import type { Manifests } from '../../../../core/ports/manifests.ts';
import { closeServer, listen } from '../../../support/http-server.ts';

const BUCKET_URL = 'https://s3.eu-central-1.amazonaws.com/tierplane-releases';
const SHA = 'a'.repeat(64);

/** The objects of a bucket, by key. Others are denied, as S3 denies a caller who may not list the bucket. */
const objects = new Map<string, string>();
const requests: string[] = [];
let status = 200;
const server = createServer((request, response) => {
  requests.push(request.url ?? '');
  const text = objects.get((request.url ?? '').split('?')[0]?.replace('/tierplane-releases/', '') ?? '');
  if (status === 200 && text !== undefined) return response.end(text);
  response.statusCode = status === 200 ? 403 : status;
  response.setHeader('content-type', 'application/xml');
  response.end(`<Error><Code>${status === 200 ? 'AccessDenied' : 'InternalError'}</Code></Error>`);
});
let s3: S3Client;
beforeAll(async () => {
  const { url: endpoint } = await listen(server);
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
  s3 = new S3Client({ endpoint, region: 'eu-central-1', credentials, forcePathStyle: true, maxAttempts: 1 });
});
afterAll(() => closeServer(server));
beforeEach(() => {
  objects.clear();
  requests.length = 0;
  status = 200;
});

const templateOf = (release: string) => ({
  key: `releases/${release}/silo-data-${SHA}.json`,
  sha256: SHA,
  parameters: ['TenantId', 'Tier'],
});
function manifest(release: string, change: object = {}): string {
  return JSON.stringify({ release, templates: { 'silo-data': templateOf(release) }, images: {}, ...change });
}
function open(release: string, text: string): Manifests {
  objects.set(`releases/${release}/manifest.json`, text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  return openManifests(s3, { release, bucketUrl: BUCKET_URL, sha256 });
}

test('the manifests of the current release and of earlier ones are found, and each is read once', async () => {
  const manifests = open('2.0.0', manifest('2.0.0'));
  objects.set('releases/1.0.0/manifest.json', manifest('1.0.0'));
  for (const release of ['2.0.0', '1.0.0', '2.0.0', '1.0.0']) {
    const url = `${BUCKET_URL}/releases/${release}/silo-data-${SHA}.json`;
    expect(await manifests.of(release)).toEqual({
      release,
      templates: { 'silo-data': { url, parameters: ['TenantId', 'Tier'] } },
    });
  }
  expect(requests).toHaveLength(2);
});

test('SE-1.11: a manifest of the current release with another digest is not used, and is read again', async () => {
  const manifests = open('2.0.0', manifest('2.0.0'));
  objects.set('releases/2.0.0/manifest.json', `${manifest('2.0.0')} `);
  await expect(manifests.of('2.0.0')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/^the manifest of release 2.0.0 must have SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}$/),
  });
  objects.set('releases/2.0.0/manifest.json', manifest('2.0.0'));
  expect((await manifests.of('2.0.0')).release).toBe('2.0.0');
});

test.each([
  ['no JSON', '{', 'expected object'],
  ['no templates', manifest('1.0.0', { templates: undefined }), 'templates: '],
  [
    'a template outside of the folder of releases',
    manifest('1.0.0', { templates: { data: { ...templateOf('1.0.0'), key: 'other/data.json' } } }),
    'templates.data.key: ',
  ],
  [
    'a path that leads out of that folder',
    manifest('1.0.0', { templates: { data: { ...templateOf('1.0.0'), key: 'releases/../other/data.json' } } }),
    'templates.data.key: ',
  ],
  [
    'a template at another address',
    manifest('1.0.0', { templates: { data: { ...templateOf('1.0.0'), key: 'releases/@evil.example/x.json' } } }),
    'templates.data.key: ',
  ],
  ['the name of another release', manifest('3.0.0'), 'it is that of 3.0.0'],
])('SE-1.11: a manifest with %s is refused', async (_what, text, reason) => {
  const manifests = open('2.0.0', manifest('2.0.0'));
  objects.set('releases/1.0.0/manifest.json', text);
  await expect(manifests.of('1.0.0')).rejects.toMatchObject({
    code: 'FAILED',
    message: expect.stringContaining(reason),
  });
});

test('a release that was never installed is named', async () => {
  const manifests = open('2.0.0', manifest('2.0.0'));
  await expect(manifests.of('0.9.0')).rejects.toMatchObject({
    code: 'FAILED',
    message: 'release 0.9.0 is not published in this environment',
  });
});

test('while S3 fails, a later call may succeed', async () => {
  const manifests = open('2.0.0', manifest('2.0.0'));
  status = 503;
  await expect(manifests.of('2.0.0')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: 'S3 failed: InternalError',
  });
  status = 200;
  expect((await manifests.of('2.0.0')).release).toBe('2.0.0');
});
