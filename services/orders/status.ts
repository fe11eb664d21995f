/** The states of an order. NEXT lists the states that may follow each. */
export const ORDER_STATUSES = ['placed', 'paid', 'shipped', 'cancelled'] as const;
type OrderStatus = (typeof ORDER_STATUSES)[number];

const NEXT: Record<OrderStatus, readonly OrderStatus[]> = {
  placed: ['paid', 'cancelled'],
  paid: ['shipped', 'cancelled'],
  shipped: [],
  cancelled: [],
};

/** Whether an order may change from `from` to `to`. Keeping the state is always allowed. */
export function mayFollow(from: OrderStatus, to: OrderStatus): boolean {
  return from === to || NEXT[from].includes(to);
}

/** The states that may follow `from`, as text for a message. */
export function nextStatuses(from: OrderStatus): string {
  return NEXT[from].join(' or ') || 'nothing else';
}
