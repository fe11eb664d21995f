import { generateKeyPair } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { exportJWK, SignJWT } from 'jose';

/**
 * A process that stands in for an AWS account, so that a figure shows what our own code costs. It keeps items in memory,
 * starts sessions, and publishes the keys of one user pool. It checks no signature and no condition. Prints one line of
 * JSON: its port, and how to get tokens. `GET /calls` responds with the number of calls by action.
 */
type Item = Readonly<Record<string, { readonly S?: string }>>;

const ISSUER = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_bench';
const items = new Map<string, Item>();
const calls: Record<string, number> = {};
/** Responses to reads by their request, until the next write. */
const cache = new Map<string, string>();

const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2_048 });
const keySet = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'bench', alg: 'RS256', use: 'sig' }] });
const token = await new SignJWT({
  ...{
    token_use: 'access',
    client_id: 'bench',
    tenantId: 'bench0000000000000000001',
    role: 'TenantAdmin',
    tier: 'basic',
  },
})
  .setProtectedHeader({ alg: 'RS256', kid: 'bench' })
  .setIssuer(ISSUER)
  .setSubject('bench-user')
  .setIssuedAt()
  .setExpirationTime('2h')
  .sign(privateKey);

const SESSION = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIABENCH</AccessKeyId><SecretAccessKey>bench</SecretAccessKey><SessionToken>bench</SessionToken>
<Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

const server = createServer(async (request, response) => {
  const body = await bodyOf(request);
  const target = request.headers['x-amz-target'];
  const action = typeof target === 'string' ? (target.split('.')[1] ?? '') : (/Action=(\w+)/.exec(body)?.[1] ?? '');
  if (request.url === '/calls') return response.end(JSON.stringify(calls));
  calls[action || 'keys'] = (calls[action || 'keys'] ?? 0) + 1;
  if (action === 'AssumeRole') return response.setHeader('content-type', 'text/xml').end(SESSION);
  if (action === '') return response.end(keySet);
  return response.setHeader('content-type', 'application/x-amz-json-1.0').end(dynamo(action, body));
});

/** @returns the response of DynamoDB */
function dynamo(action: string, body: string): string {
  if (action === 'TransactWriteItems') return write(JSON.parse(body));
  const known = cache.get(body);
  if (known !== undefined) return known;
  const read = action === 'Query' ? query(JSON.parse(body)) : { Item: items.get(keyOf(JSON.parse(body).Key)) };
  cache.set(body, JSON.stringify(read));
  return JSON.stringify(read);
}

function write({ TransactItems }: { TransactItems: readonly { Put?: { Item: Item } }[] }): string {
  for (const { Put } of TransactItems) if (Put) items.set(keyOf(Put.Item), Put.Item);
  cache.clear();
  return '{}';
}

interface QueryInput {
  readonly ExpressionAttributeNames: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues: Item;
  readonly Limit: number;
}

function query({ ExpressionAttributeNames: names, ExpressionAttributeValues: values, Limit }: QueryInput) {
  const pk = names['#pk'] ?? 'pk';
  const found = [...items.values()].filter((item) => item[pk]?.S === values[':pk']?.S);
  return { Items: found.slice(0, Limit) };
}

function keyOf({ pk, sk }: Item): string {
  return JSON.stringify([pk?.S, sk?.S]);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ port, issuer: ISSUER, token })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
