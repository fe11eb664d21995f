/** Who may call an operation. */
export type Access =
  | { readonly kind: 'public' }
  /** Only the platform's own machine clients. */
  | { readonly kind: 'machine' }
  | {
      readonly kind: 'user';
      /** @default - any scope */
      readonly scope?: string;
      /** @default - any role */
      readonly role?: string;
      /** Whether the platform's own machine clients may call, too. @default false */
      readonly machineToo?: boolean;
    };

/** Who calls an operation. */
export type Caller =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'machine' }
  | { readonly kind: 'user'; readonly role: string; readonly scopes: readonly string[] };

export function mayCall(access: Access, caller: Caller): boolean {
  if (access.kind === 'public') return true;
  if (caller.kind === 'machine') return access.kind === 'machine' || access.machineToo === true;
  if (caller.kind === 'anonymous' || access.kind === 'machine') return false;
  const { scope, role } = access;
  return (scope === undefined || caller.scopes.includes(scope)) && (role === undefined || caller.role === role);
}
