import { actionsOf } from '../../../core/tenant/lifecycle.ts';
import type { TenantRecord } from '../../../core/tenant/record.ts';
import { tenantView } from '../../../core/tenant/views.ts';
import { type ChangeDeps, retryRule } from './changes.ts';

/** A tenant as responses show it, with the actions that it accepts now. */
export function tenantBody(deps: ChangeDeps, record: TenantRecord) {
  return { ...tenantView(record), actions: actionsOf(record, retryRule(deps)) };
}
