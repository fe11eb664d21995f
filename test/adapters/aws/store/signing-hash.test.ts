import { expect, test } from '@jest/globals';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { signingHash } from '../../../../adapters/aws/store/signing-hash.ts';

const REQUEST = {
  ...{ method: 'POST', protocol: 'https:', hostname: 'dynamodb.eu-central-1.amazonaws.com', path: '/', query: {} },
  headers: { host: 'dynamodb.eu-central-1.amazonaws.com', 'x-amz-target': 'DynamoDB_20120810.Query' },
};
const FIRST = { accessKeyId: 'ASIAFIRST', secretAccessKey: 'first', sessionToken: 'one' };
const RENEWED = { accessKeyId: 'ASIARENEWED', secretAccessKey: 'renewed', sessionToken: 'two' };

test("a signer with this hash signs as with the SDK's own, also after its credentials are renewed and on the next day", async () => {
  const bytes = [new Uint8Array([1, 2, 3]), new Uint8Array([4])];
  let credentials = FIRST;
  const [own, sdk] = [signingHash(), Sha256].map((sha256) => {
    return new SignatureV4({
      credentials: async () => credentials,
      region: 'eu-central-1',
      service: 'dynamodb',
      sha256,
    });
  });
  const signatures = new Set<string>();
  for (const used of [FIRST, RENEWED, FIRST]) {
    credentials = used;
    for (const day of ['2026-12-01', '2026-12-02']) {
      for (const body of ['{"a":1}', '{"ä":2}', '']) {
        const signingDate = new Date(`${day}T12:00:00Z`);
        const signed = await own?.sign({ ...REQUEST, body }, { signingDate });
        expect(signed).toEqual(await sdk?.sign({ ...REQUEST, body }, { signingDate }));
        signatures.add(signed?.headers.authorization ?? '');
      }
    }
  }
  expect(signatures.size).toBe(12);

  for (const secret of [undefined, 'secret', new Uint8Array([7, 8]), new Uint8Array([7, 8]).buffer]) {
    const hashes = [new (signingHash())(secret), new Sha256(secret)];
    for (const one of hashes) for (const piece of bytes) one.update(piece);
    const [first, second] = await Promise.all(hashes.map((one) => one.digest()));
    expect(Buffer.from(first ?? []).toString('hex')).toBe(Buffer.from(second ?? []).toString('hex'));
  }
});
