import { createPublicKey, verify } from 'node:crypto';
import { createRequire } from 'node:module';

/**
 * Calls the bundle of the authorizer as Lambda does, again and again with one token. Prints the processor time of a call in
 * milliseconds, that of verifying one signature, and how many calls of the account were made meanwhile.
 */
const [bundle = '', token = '', calls = '0'] = process.argv.slice(2);
const endpoint = process.env.AWS_ENDPOINT_URL ?? '';
const event = {
  type: 'TOKEN',
  authorizationToken: `Bearer ${token}`,
  methodArn: 'arn:aws:execute-api:eu-central-1:111122223333:api/prod/GET/s1/products',
};
type Handler = (event: object) => Promise<{ readonly usageIdentifierKey?: string }>;
const { handler } = createRequire(import.meta.url)(bundle) as { readonly handler: Handler };

async function callsOfAccount(): Promise<number> {
  const byAction = (await (await fetch(`${endpoint}/calls`)).json()) as Record<string, number>;
  return Object.values(byAction).reduce((sum, one) => sum + one, 0);
}

async function cpuMsOf(times: number, work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < times; n++) await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / times;
}

const first = await handler(event);
if (first.usageIdentifierKey === undefined) throw new Error('the authorizer must admit the tenant');
await cpuMsOf(Number(calls) / 4, () => handler(event));
// Read again, because the registry is cached for two seconds.
await handler(event);
const before = await callsOfAccount();
const cpuMs = await cpuMsOf(Number(calls), () => handler(event));
const outgoing = (await callsOfAccount()) - before;

const { keys } = (await (await fetch(`${endpoint}/keys`)).json()) as { keys: readonly [{ kty: string }] };
const key = createPublicKey({ key: keys[0] as { kty: string }, format: 'jwk' });
const [header, claims, signature = ''] = token.split('.');
const verifyMs = await cpuMsOf(500, () =>
  verify('sha256', Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, 'base64url')),
);
process.stdout.write(`\n${JSON.stringify({ cpuMs, outgoing, verifyMs })}\n`);
