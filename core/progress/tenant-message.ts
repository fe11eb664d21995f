/** A message that asks to work on a tenant. It may be delivered twice, or late. */
export interface TenantMessage {
  readonly tenantId: string;
  /**
   * When work is due, in epoch milliseconds; the message is outdated once the next work is due later.
   * @default - something has happened to the tenant, so it must be looked at whatever is due
   */
  readonly dueAt?: number;
}
