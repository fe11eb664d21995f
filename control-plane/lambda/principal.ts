import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as z from 'zod';
import { DomainError } from '../../core/errors.ts';
import type { Table } from '../../core/ports/table.ts';
import { subjectKey } from '../../core/routing/registry.ts';
import type { Principal } from '../api/http/http.ts';

/** What API Gateway has verified: signature, issuer, client and expiry. It does not look at what a token is for. */
const Claims = z.object({
  sub: z.string(),
  client_id: z.string(),
  token_use: z.literal('access'),
  scope: z.string().default(''),
});

const Authorizer = z.object({
  jwt: z.object({ claims: z.record(z.string(), z.unknown()) }).optional(),
  /** There only where a route demands a signature by IAM, and that was right. */
  iam: z.object({ userArn: z.string() }).optional(),
});

/**
 * Who calls, from what API Gateway's authorizer says. Name and role are the registry's of this moment, not the token's.
 * Throws UNAUTHENTICATED for an ID token, and for a user who is unknown or disabled.
 */
export async function principalOf(
  event: APIGatewayProxyEventV2,
  { table, machineClientId }: { readonly table: Table; readonly machineClientId: string },
): Promise<Principal> {
  const context: object = event.requestContext;
  const { jwt, iam } = Authorizer.parse('authorizer' in context ? context.authorizer : {});
  if (iam) return { kind: 'machine' };
  const claims = Claims.safeParse(jwt?.claims);
  if (!claims.success) throw new DomainError('UNAUTHENTICATED', 'an access token must be given');
  const { sub, client_id: clientId, scope } = claims.data;
  if (clientId === machineClientId) return { kind: 'machine' };
  const subject = (await table.get(subjectKey('admin', sub)))?.data;
  if (!subject?.enabled) throw new DomainError('UNAUTHENTICATED', 'the user must be known and enabled');
  return { kind: 'user', userName: subject.userName, role: subject.role, scopes: scope.split(' ') };
}
