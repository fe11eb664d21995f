import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { functionCode } from '../../../infra/function-code.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'app-plane', 'lambda');
const MAX_BYTES = 200 * 1024;
const HANDLER = /^export (const|(async )?function) handler\b/m;

const ENTRIES = readdirSync(FOLDER).filter((file) => HANDLER.test(readFileSync(join(FOLDER, file), 'utf8')));

describe("the bundles of the application plane's functions", () => {
  test('are found', () => {
    expect(ENTRIES).toEqual(expect.arrayContaining(['accept.ts', 'sweep.ts', 'tenant-users.ts']));
  });

  test.each(ENTRIES)('%s is at most 200 KB and contains neither CDK nor the AWS SDK', (entry) => {
    const code = functionCode(`app-plane/lambda/${entry}`);
    expect(Buffer.byteLength(code)).toBeLessThanOrEqual(MAX_BYTES);
    expect(code).not.toMatch(/node_modules|aws-cdk-lib|CfnResource|AWSCDK/);
    const packages = [...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name = '']) => name);
    expect(packages.filter((name) => !/^(node:|@aws-sdk\/|@smithy\/)/.test(name))).toEqual([]);
  });
});
