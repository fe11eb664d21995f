import type { Command } from 'commander';
import { isDomainError } from '../core/errors.ts';
import { readJson } from '../embedded/data-dir.ts';
import { DEMO_TENANTS } from '../embedded/demo-progress.ts';
import { contextOf, examples } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { type DemoCredentials, ensureDemo } from './demo-tenants.ts';
import { CliError } from './exit-codes.ts';
import { note, printJson, printLine, printTable } from './output.ts';

export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('three demo tenants, one a tier, with products and orders; made where missing, then shown')
    .addHelpText('after', examples('demo', 'demo --json'))
    .action(async (_options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = new ControlPlane(context);
      const known = readJson<DemoCredentials[]>(context.dir.demo);
      if (known?.length !== DEMO_TENANTS.length) note('making the demo tenants ...');
      const credentials = await ensureDemo({
        urls: controlPlane.running.urls,
        dir: context.dir,
        adminToken: () => controlPlane.token(),
        progress: note,
      }).catch((cause: unknown) => {
        if (!isDomainError(cause)) throw cause;
        const hint = `\`${context.tierplane} demo\` goes on where this ended`;
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
