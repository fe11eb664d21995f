import type { Command } from 'commander';
import type { Invitation } from '../control-plane/api/tenants/invitation.ts';
import { contextOf, examples } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { printJson, printLine } from './output.ts';

export function addTenantInvite(tenants: Command): void {
  tenants
    .command('invite <tenant>')
    .description('invite an admin of a tenant: again, if the temporary password expired, or a new one')
    .option('--email <email>', 'the admin to invite, also a new one; default: the one who has not signed in yet')
    .addHelpText('after', examples('tenants invite acme', 'tenants invite "Acme Inc" --email new-admin@acme.example'))
    .action(async (name: string, { email }: { email?: string }, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const { tenantId, tenantName } = await controlPlane.tenant(name);
      const body = email === undefined ? {} : { email };
      const { data } = await controlPlane.call<Invitation>('POST', `/tenants/${tenantId}/invitation`, body);
      if (context.json) return printJson(data);
      const what = data.created ? 'is invited by mail' : 'is invited again by mail';
      printLine(`${data.userName}, an admin of ${tenantName}, ${what}`);
    });
}
