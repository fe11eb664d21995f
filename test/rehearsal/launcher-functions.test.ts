import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect, jest, test } from '@jest/globals';
import { startOf } from '../../adapters/embedded/runtime/supervisor/process-info.ts';
import { Stacks } from '../../rehearsal/stacks.ts';
import { until } from '../support/until.ts';
import { clientConfig, describeInAccount } from './account.ts';
import { functionResources } from './function-resources.ts';

jest.setTimeout(60_000);

/** Returns its process after half a second, so that calls at the same time need an environment each. */
const CODE = 'exports.handler = () => new Promise((resolve) => setTimeout(() => resolve(process.pid), 500));';

describeInAccount('functions of an emulated account', (account) => {
  test('the environments that a burst has added end when they are idle; the first one serves on', async () => {
    const template = { Resources: functionResources('Burst', CODE), Outputs: { Name: { Value: { Ref: 'Burst' } } } };
    const { outputs } = await new Stacks(account()).create('burst', JSON.stringify(template));
    const lambda = new LambdaClient(clientConfig(account()));
    const call = async (): Promise<number> => {
      const { Payload } = await lambda.send(new InvokeCommand({ FunctionName: outputs.Name }));
      return Number(Payload?.transformToString());
    };
    const pids = await Promise.all([call(), call(), call()]);
    expect(new Set(pids).size).toBe(3);
    const running = () => pids.filter((pid) => startOf(pid) !== undefined);
    await until(() => running().length === 1, 30_000);
    expect([await call()]).toEqual(running());
  });
});
