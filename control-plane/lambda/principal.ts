import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import { SYSTEM_ADMIN } from '../../core/identity/users/administrators.ts';
import type { Table } from '../../core/ports/table.ts';
import type { Principal } from '../api/http/http.ts';
import { systemUser } from '../api/http/principal.ts';

/** API Gateway has verified signature, issuer, client and expiry, but not the token's use. */
const Claims = z.object({
  sub: z.string(),
  client_id: z.string(),
  token_use: z.literal('access'),
  scope: z.string().default(''),
  /** API Gateway passes every claim as text. */
  iat: z.coerce.number().default(0),
});

const Authorizer = z.object({
  jwt: z.object({ claims: z.record(z.string(), z.unknown()) }).optional(),
  /** Present only on routes with IAM authorization. */
  iam: z.object({ userArn: z.string() }).optional(),
});

/**
 * The caller of a request, from the context of API Gateway's authorizer. Name and role come from the registry, not from the
 * token. The client for scripts acts as a SystemAdmin within its scopes.
 * @throws UNAUTHENTICATED for an ID token, and for an unknown or disabled user
 */
export async function principalOf(
  event: APIGatewayProxyEventV2,
  {
    table,
    machineClientId,
    automationClientId,
  }: { readonly table: Table; readonly machineClientId: string; readonly automationClientId: string },
): Promise<Principal> {
  const context: object = event.requestContext;
  const { jwt, iam } = Authorizer.parse('authorizer' in context ? context.authorizer : {});
  if (iam) return { kind: 'machine' };
  const claims = Claims.safeParse(jwt?.claims);
  if (!claims.success) throw new DomainError('UNAUTHENTICATED', 'an access token is required');
  const { sub, client_id: clientId, scope, iat } = claims.data;
  if (clientId === machineClientId) return { kind: 'machine' };
  if (clientId === automationClientId) {
    // The stack creates this client, and no request can delete it.
    return { kind: 'user', userName: clientId, role: SYSTEM_ADMIN, scopes: scope.split(' '), basis: [] };
  }
  return { kind: 'user', scopes: scope.split(' '), ...(await systemUser(table, sub, iat)) };
}
