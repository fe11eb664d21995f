import type { Command } from 'commander';
import type { TenantPlan } from '../control-plane/api/tenants/progress-schemas.ts';
import { contextOf, examples } from './context.ts';
import { ControlPlane } from './control-plane.ts';
import { printJson, printTable } from './output.ts';

export function addTenantPlan(tenants: Command): void {
  tenants
    .command('plan <tenant>')
    .description('what the provisioner would change of the tenant now; changes nothing')
    .addHelpText('after', examples('tenants plan acme', 'tenants plan acme --json'))
    .action(async (name: string, _options, command: Command) => {
      const context = contextOf(command);
      const controlPlane = await ControlPlane.open(context);
      const { tenantId, tenantName } = await controlPlane.tenant(name);
      const { data } = await controlPlane.call<TenantPlan>('GET', `/tenants/${tenantId}/plan`);
      if (context.json) return printJson(data.changes);
      printTable(
        ['action', 'kind', 'name'],
        data.changes.map((change) => [change.action, change.kind, change.name]),
        `${tenantName} is as it must be`,
      );
    });
}
