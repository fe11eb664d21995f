/** An order's states, and the one table of which may follow which. */
export const ORDER_STATUSES = ['placed', 'paid', 'shipped', 'cancelled'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

const NEXT: Record<OrderStatus, readonly OrderStatus[]> = {
  placed: ['paid', 'cancelled'],
  paid: ['shipped', 'cancelled'],
  shipped: [],
  cancelled: [],
};

/** Whether an order in `from` may go to `to`; to stay is always allowed. */
export function mayFollow(from: OrderStatus, to: OrderStatus): boolean {
  return from === to || NEXT[from].includes(to);
}

/** In words: where an order in `from` may go. */
export function nextStatuses(from: OrderStatus): string {
  return NEXT[from].join(' or ') || 'nothing else';
}
