import { createControlPlane } from '../../control-plane/api/control-plane.ts';
import type { ControlPlaneDeps } from '../../control-plane/api/http/deps.ts';
import { LOCAL_OPERATIONS } from '../../control-plane/api/local-operations.ts';
import type { OpenApi } from '../../core/http/openapi-document.ts';
import { describeService } from '../../services/kit/description.ts';
import { type OrderDeps, orderOperations } from '../../services/orders/routes.ts';
import { productOperations } from '../../services/products/routes.ts';
import { userOperations } from '../../services/users/routes.ts';
import type { TenantUsers } from '../../services/users/tenant-users.ts';

/** Describing an operation does not call its handler, so no dependency is needed. */
const parts = {} as OrderDeps & { readonly users: TenantUsers };

/** The OpenAPI documents that the platform serves, by name. */
export async function openApiDocuments(): Promise<Readonly<Record<string, OpenApi>>> {
  return {
    'control-plane': await controlPlaneDocument(),
    orders: describeService('orders', orderOperations(parts)),
    products: describeService('products', productOperations(parts)),
    users: describeService('users', userOperations(parts)),
  };
}

async function controlPlaneDocument(): Promise<OpenApi> {
  const controlPlane = createControlPlane(
    {} as ControlPlaneDeps,
    async () => ({ kind: 'anonymous' }),
    LOCAL_OPERATIONS,
  );
  const { body } = await controlPlane.respond({
    method: 'GET',
    path: '/openapi.json',
    query: {},
    headers: {},
    body: undefined,
  });
  return body as OpenApi;
}
