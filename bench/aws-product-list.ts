import { join } from 'node:path';
import { CLIENT_ID, firstLine, type StubAccount, startStubAccount } from './aws-account.ts';
import { figure, type Measured, percentile, round } from './figure.ts';
import { CONNECTIONS, listRequests } from './load.ts';
import type { LoadOrder } from './load-client.ts';
import { cpuSecondsOf, generateLoad, onCore, ROOT, servedPerSecond, withServerCore } from './processes.ts';
import type { Run } from './run.ts';
import { startChild, stop } from './scratch.ts';
import { startRawServer } from './yardsticks.ts';

const PRODUCTS = 10;

/**
 * Lists of ten products from the bundle that runs in the container, on one core, with the DynamoDB adapter against a stub.
 * @throws Error unless the tenant's session was started exactly once
 */
export async function awsProductList({ sizes }: Run): Promise<Measured> {
  const account = await startStubAccount();
  try {
    const { child, port } = await startService(account);
    const pid = child.pid ?? 0;
    const bytes = await createProducts(account, port);
    const request = listRequests('/products', [account.token]);
    const order = { target: { port }, request, connections: CONNECTIONS };
    await generateLoad({ ...order, seconds: sizes.warmUpSeconds });
    const rounds = [];
    for (let n = 0; n < sizes.loadRounds; n++) rounds.push(await measured(pid, { ...order, seconds: sizes.seconds }));
    const { AssumeRole: sessions } = await account.calls();
    if (sessions !== 1) throw new Error(`one tenant must take one call of STS, got ${sessions}`);
    await stop(child);
    const raw = await startRawServer(bytes);
    const bare = await measured(raw.child.pid ?? 0, { ...order, target: { port: raw.port }, seconds: sizes.seconds });
    await stop(raw.child);
    const perSecond = percentile(
      rounds.map((one) => one.perSecond),
      0.5,
    );
    const yardstick = { name: 'node:http alone with as many bytes', value: bare.perSecond, unit: 'req/s' };
    return {
      figure: figure('aws-product-list', perSecond, 'req/s', yardstick, { atLeast: 3_000 }),
      remarks: [
        ...(rounds.length > 1 ? [`the median of ${rounds.map((one) => round(one.perSecond)).join(', ')}`] : []),
        `${round(
          percentile(
            rounds.map((one) => one.perCpuSecond),
            0.5,
          ),
        )} requests per second of the service's own time`,
        'one call of STS for all requests of the tenant',
      ],
    };
  } finally {
    await account.stop();
  }
}

async function startService({ environment, issuer }: StubAccount) {
  const [command, args] = onCore('server', [process.execPath, join(ROOT, 'dist', 'aws', 'products.cjs')]);
  const child = startChild(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...environment,
      TIERPLANE_SERVICE: 'products',
      TIERPLANE_PORT: '0',
      TIERPLANE_TABLE: 'products',
      TIERPLANE_DATA_ROLE: 'arn:aws:iam::111122223333:role/data',
      TIERPLANE_ISSUERS: JSON.stringify([{ issuer, realm: 'pool', clientIds: [CLIENT_ID] }]),
      TIERPLANE_IDENTITY_URL: 'https://identity.invalid',
    },
  });
  const line = await firstLine(child, /"address":/);
  return { child, port: Number(/"address":"http:\/\/[^"]*:(\d+)"/.exec(line)?.[1]) };
}

/** Creates ten products. @returns the length of their list in bytes */
async function createProducts({ token }: StubAccount, port: number): Promise<number> {
  const url = `http://127.0.0.1:${port}/products`;
  const headers = {
    ...{ authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-tierplane-role': 'TenantAdmin' },
  };
  for (let n = 0; n < PRODUCTS; n++) {
    const price = { amount: 1_000 + n, currency: 'EUR' };
    const body = JSON.stringify({ name: `Product ${n}`, sku: `SKU-${n}`, category: 'bench', price });
    const created = await fetch(url, { method: 'POST', headers, body });
    if (created.status !== 201) throw new Error(`creating a product failed: ${created.status} ${await created.text()}`);
  }
  const list = await fetch(`${url}?limit=${PRODUCTS}`, { headers });
  const text = await list.text();
  const { data } = JSON.parse(text) as { data?: object[] };
  if (data?.length !== PRODUCTS) throw new Error(`the list has ${data?.length} products: ${text.slice(0, 200)}`);
  return Buffer.byteLength(text);
}

async function measured(pid: number, order: LoadOrder) {
  return withServerCore([pid], [], async () => {
    const before = cpuSecondsOf([pid]);
    const perSecond = servedPerSecond(await generateLoad(order));
    return { perSecond, perCpuSecond: (perSecond * order.seconds) / (cpuSecondsOf([pid]) - before) };
  });
}
