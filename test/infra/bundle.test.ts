import { expect, test } from '@jest/globals';
import { allFunctionCode, functionCode } from '../../infra/function-code.ts';

test('functions that are bundled together have the code that each has by itself', () => {
  const all = allFunctionCode();
  expect(all.size).toBeGreaterThanOrEqual(10);
  for (const module of ['app-plane/lambda/authorizer.ts', 'control-plane/lambda/publish-outbox.ts']) {
    expect(all.get(module)).toBe(functionCode(module));
  }
});
