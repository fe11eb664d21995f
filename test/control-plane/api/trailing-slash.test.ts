import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LOCAL_OPERATIONS } from '../../../control-plane/api/local-operations.ts';
import { createOperations } from '../../../control-plane/api/operations.ts';
import { type Home, startHome } from './home.ts';

let home: Home;
beforeAll(async () => {
  home = await startHome();
});
afterAll(async () => home[Symbol.asyncDispose]());

const ROUTES = createOperations(LOCAL_OPERATIONS).map(({ method, path }) => [method, path] as const);

test.each(ROUTES)('RT-4: %s %s with a slash at its end is not found, and changes nothing', async (method, path) => {
  const before = home.stored();
  for (const token of ['admin', 'machine', 'none'] as const) {
    const response = await home.call(method, `${path.replaceAll(/\{\w+\}/g, 'some-id')}/`, undefined, { token });
    expect([response.status, response.body]).toEqual([404, { message: 'Not Found' }]);
  }
  expect(home.stored()).toEqual(before);
});
