import type { Command } from 'commander';
import { isDomainError } from '../core/errors.ts';
import { readJson } from '../embedded/data-dir.ts';
import { DEMO_TENANTS } from '../embedded/demo-progress.ts';
import { examples, localContextOf, requireRunning } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { type DemoCredentials, ensureDemo } from './demo-tenants.ts';
import { CliError } from './exit-codes.ts';
import { note, printJson, printLine, printTable } from './output.ts';

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('create the missing ones of three demo tenants, one per tier, and show their credentials')
    .addHelpText('after', examples('demo', 'demo --json'))
    .action(async (_options, command: Command) => {
      const context = localContextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const known = readJson<DemoCredentials[]>(context.dir.demo);
      if (known?.length !== DEMO_TENANTS.length) note('creating the demo tenants ...');
      const credentials = await ensureDemo({
        urls: requireRunning(context.dir).urls,
        dir: context.dir,
        adminToken: () => controlPlane.access.token(),
        progress: note,
      }).catch((cause: unknown) => {
        if (!isDomainError(cause)) throw cause;
        const hint = `\`${context.tierplane} demo\` continues where this ended`;
        throw new CliError('failed', cause.message, { cause, hint });
      });
      if (context.json) return printJson(credentials);
      printTable(
        ['tenant', 'tier', 'user', 'password'],
        credentials.map((one) => [one.name, one.tier, one.email, one.password]),
        'no demo tenants',
      );
      const first = credentials[0];
      if (first)
        printLine(
          `\nTry: ${context.tierplane} token --tenant ${first.name} --user ${first.email} --password '${first.password}'`,
        );
    });
}
