import { mayCall, type RoleRights } from './evaluate.ts';
import type { Call } from './policy.ts';

/** The calls that reach items, with the action that IAM checks and the part of the table's ARN that comes after its name. */
const ACTIONS = {
  GetItem: ['GetItem', ''],
  BatchGetItem: ['BatchGetItem', ''],
  Query: ['Query', ''],
  'Query of an index': ['Query', '/index/index-g1'],
  'Query of the index by tenant': ['Query', '/index/index-tenant'],
  PutItem: ['PutItem', ''],
  UpdateItem: ['UpdateItem', ''],
  DeleteItem: ['DeleteItem', ''],
  BatchWriteItem: ['BatchWriteItem', ''],
  // A transaction has no action of its own: each of its items is authorized as the single operation.
  'TransactWriteItems with a Put': ['PutItem', ''],
  'TransactWriteItems with an Update': ['UpdateItem', ''],
  'TransactWriteItems with a Delete': ['DeleteItem', ''],
  'TransactWriteItems with a ConditionCheck': ['ConditionCheckItem', ''],
  TransactGetItems: ['GetItem', ''],
  Scan: ['Scan', ''],
  'Scan of an index': ['Scan', '/index/index-g1'],
  'PartiQL SELECT': ['PartiQLSelect', ''],
  'PartiQL INSERT': ['PartiQLInsert', ''],
  'PartiQL UPDATE': ['PartiQLUpdate', ''],
  'PartiQL DELETE': ['PartiQLDelete', ''],
} as const;

export type DataCall = keyof typeof ACTIONS;
export const DATA_CALLS = Object.keys(ACTIONS) as readonly DataCall[];

/** Whose partition a call names: the tenant's, another tenant's, that of a tenant whose id begins with the tenant's, or none. */
export const KEY_KINDS = ['own', 'foreign', 'sibling', 'no'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

/** A call with a kind of key, such as `GetItem, own key`. */
export type Cell = `${DataCall}, ${KeyKind} key`;

/** What a role may do with a table: each call on the keys of its own tenant only, or on any. Every other call is refused. */
export type DataRights = Readonly<Partial<Record<DataCall, 'own' | 'any'>>>;

/** The partition that a call names. @param otherTenant a tenant whose id does not begin with the tenant's */
export function partitionOf(kind: KeyKind, tenantId: string, otherTenant: string): string | undefined {
  if (kind === 'no') return undefined;
  const owner = { own: tenantId, foreign: otherTenant, sibling: `${tenantId}1` }[kind];
  return `${owner}#matrix`;
}

/** Every call with each of these kinds of key. */
export function allCells(
  kinds: readonly KeyKind[] = KEY_KINDS,
): readonly { readonly cell: Cell; readonly call: DataCall; readonly kind: KeyKind }[] {
  return DATA_CALLS.flatMap((call) => kinds.map((kind) => ({ cell: `${call}, ${kind} key` as const, call, kind })));
}

/** The cells that these rights allow, in the order of `allCells`. */
export function allowedBy(rights: DataRights, kinds?: readonly KeyKind[]): Cell[] {
  const isAllowed = (call: DataCall, kind: KeyKind) =>
    rights[call] === 'any' || (rights[call] === 'own' && kind === 'own');
  return allCells(kinds).flatMap(({ cell, call, kind }) => (isAllowed(call, kind) ? [cell] : []));
}

/** Whose session calls which table. */
export interface DataSession {
  readonly tableArn: string;
  readonly tenantId: string;
  readonly otherTenant: string;
  /** The session's tags. @default - none */
  readonly tags?: Readonly<Record<string, string>>;
  /** @default - all */
  readonly kinds?: readonly KeyKind[];
}

/** The cells that the evaluator allows a role, in the order of `allCells`. */
export function evaluated(rights: RoleRights, session: DataSession): Cell[] {
  const { tableArn, tenantId, otherTenant, tags = {}, kinds } = session;
  const tagContext = Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value] as const);
  return allCells(kinds).flatMap(({ cell, call, kind }) => {
    const [action, suffix] = ACTIONS[call];
    const pk = call.startsWith('Scan') ? undefined : partitionOf(kind, tenantId, otherTenant);
    const context: Call['context'] = {
      ...Object.fromEntries(tagContext),
      ...(pk !== undefined && { 'dynamodb:LeadingKeys': [pk] }),
    };
    return mayCall(rights, { action: `dynamodb:${action}`, resource: `${tableArn}${suffix}`, context }) ? [cell] : [];
  });
}
