import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { synthesizeSiloTemplates } from '../../../../app-plane/infra/tenant-stacks/release.ts';
import { ensurePython } from '../../../../rehearsal/python-environment.ts';
import { schemaErrors } from '../../../infra/service-spec.ts';
import { describeWithPython } from '../../../support/describe-with-python.ts';
import { configurationOf } from './templates.ts';

/** The body of the cfn-lint command. The command itself does not work in a Python environment that was moved. */
const RUN = 'import sys; from cfnlint.runner import main; sys.exit(main())';
jest.setTimeout(240_000);

describeWithPython('cfn-lint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tierplane-lint-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('finds nothing in the templates of silo tenants', async () => {
    const python = await ensurePython('linter', { progress: (line) => process.stderr.write(`${line}\n`) });
    const configuration = configurationOf({ tiers: { premium: { capacity: 'ec2' } } });
    const templates = synthesizeSiloTemplates({ environmentName: 'main', configuration });
    const files = Object.entries(templates).map(([name, text]) => {
      const file = join(folder, `${name}.json`);
      writeFileSync(file, text);
      return file;
    });
    expect(files.length).toBe(9);
    expect(Object.values(templates).flatMap((text) => schemaErrors(JSON.parse(text)))).toEqual([]);
    // W3005: CDK writes a dependency twice.
    const lint = spawnSync(python, ['-c', RUN, '--ignore-checks', 'W3005', '--', ...files], { encoding: 'utf8' });
    expect(lint.stdout + lint.stderr).toBe('');
    expect(lint.status).toBe(0);
  });
});
