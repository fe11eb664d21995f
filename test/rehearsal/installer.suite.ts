import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { describe, expect, test } from '@jest/globals';
import { runInstaller } from '../../rehearsal/installation.ts';
import { clientConfig } from './account.ts';
import type { Installed } from './installed.ts';

/** What scripts/sbt-install.sh does in an account that has an installation. */
export function installer(installed: () => Installed): void {
  describe('scripts/sbt-install.sh', () => {
    async function stacks(): Promise<string[]> {
      const client = new CloudFormationClient(clientConfig(installed().account));
      const { Stacks = [] } = await client.send(new DescribeStacksCommand({}));
      return Stacks.map(({ StackName, StackStatus }) => `${StackName} ${StackStatus}`).sort();
    }

    const ONE = ['CDKToolkit CREATE_COMPLETE', 'controlplane-stack CREATE_COMPLETE'];
    const arguments_ = ['admin@example.com', '--control-plane-only', '--environment', 'blue', '--require-mfa'];

    test('changes nothing with --dry-run', async () => {
      const output = await runInstaller(installed().account, [...arguments_, '--dry-run']);
      expect(output).toContain('✓ account: 000000000000');
      expect(output).toContain('+ cdk synth --quiet');
      expect(output).toMatch(
        /^\+ cdk deploy controlplane-stack-blue .*--parameters controlplane-stack-blue:SystemAdminEmail=admin@example\.com$/m,
      );
      expect(output).toContain('Nothing was changed');
      expect(await stacks()).toEqual(ONE);
    });

    test('installs a second environment into the same account', async () => {
      const output = await runInstaller(installed().account, arguments_);
      expect(output).toContain('controlplane-stack-blue.signIn = https://');
      expect(await stacks()).toEqual([...ONE, 'controlplane-stack-blue CREATE_COMPLETE']);
    });
  });
}
