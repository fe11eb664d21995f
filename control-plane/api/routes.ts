import { describedRoutes } from './description/description.ts';
import type { Route } from './http/route.ts';
import { HEALTH_ROUTES } from './operator/health.ts';
import { OPERATOR_ROUTES } from './operator/operator.ts';
import { PROBE_ROUTES } from './operator/probe.ts';
import { createSignUpRoute } from './sign-up/sign-up.ts';
import { TENANT_CONFIG_ROUTES } from './tenants/tenant-config.ts';
import { TENANT_ROUTES } from './tenants/tenants.ts';
import { USER_ROUTES } from './users/users.ts';

/**
 * THE route table. A path may stand twice for one method: whoever may pass the first door takes it.
 *
 * @param serves says of a path whether this home has it. @default - it has all
 */
export function createRoutes(serves: (path: string) => boolean = () => true): readonly Route[] {
  const all: readonly Route[] = [
    ...TENANT_ROUTES,
    ...TENANT_CONFIG_ROUTES,
    createSignUpRoute(),
    ...USER_ROUTES,
    ...OPERATOR_ROUTES,
    ...PROBE_ROUTES,
    ...HEALTH_ROUTES,
  ];
  const described = all.filter(({ path }) => serves(path));
  return [...described, ...describedRoutes(described)];
}
