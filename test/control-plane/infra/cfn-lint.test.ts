import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, jest, test } from '@jest/globals';
import { ensurePython } from '../../../rehearsal/python-environment.ts';
import { describeWithPython } from '../../support/describe-with-python.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** The body of the cfn-lint command. The command itself does not work in a Python environment that was moved. */
const RUN = 'import sys; from cfnlint.runner import main; sys.exit(main())';
jest.setTimeout(240_000);

describeWithPython('cfn-lint', () => {
  const output = mkdtempSync(join(tmpdir(), 'tierplane-lint-'));
  afterAll(() => rmSync(output, { recursive: true }));

  test('finds no error in the template of the control plane', async () => {
    const python = await ensurePython('linter', { progress: (line) => process.stderr.write(`${line}\n`) });
    const env = { ...process.env, CDK_OUTDIR: output, JSII_DEPRECATED: 'quiet' };
    execFileSync(process.execPath, ['bin/cdk.ts'], { cwd: ROOT, env });
    const template = join(output, 'controlplane-stack.template.json');
    // W3005: CDK writes a dependency twice.
    const lint = spawnSync(python, ['-c', RUN, '--ignore-checks', 'W3005', '--template', template], {
      encoding: 'utf8',
    });
    expect(lint.stdout + lint.stderr).toBe('');
    expect(lint.status).toBe(0);
  });
});
