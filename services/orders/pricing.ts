import { DomainError, type FieldIssue } from '../../core/errors.ts';
import type { Money } from '../../core/fields/money.ts';
import type { Line, PricedLine, Total } from './schema.ts';

/**
 * Adds the current price to each line and sums them up.
 * Throws INVALID, with every line concerned, for unknown products, more than one currency, and a sum above 2^53.
 */
export function priceLines(
  lines: readonly Line[],
  prices: ReadonlyMap<string, Money>,
): { lines: PricedLine[]; total: Total } {
  const issues: FieldIssue[] = [];
  const refuse = (line: number, field: keyof Line, msg: string) =>
    issues.push({ loc: ['body', 'lines', line, field], type: 'value_error', msg });
  const currency = lines.map(({ productId }) => prices.get(productId)?.currency).find((known) => known !== undefined);
  let amount = 0;
  const priced = lines.flatMap((line, i) => {
    const price = prices.get(line.productId);
    if (!price) {
      refuse(i, 'productId', 'must be an existing product');
      return [];
    }
    if (price.currency !== currency) {
      refuse(i, 'productId', `must have a price in ${currency}, as the lines before, not in ${price.currency}`);
    }
    amount += price.amount * line.quantity;
    if (!Number.isSafeInteger(amount)) refuse(i, 'quantity', 'must not take the total beyond 2^53 minor units');
    return [{ ...line, price }];
  });
  if (issues.length > 0 || currency === undefined) {
    const [first] = issues;
    throw new DomainError('INVALID', `${first?.loc.slice(1).join('.')} ${first?.msg}`, { issues });
  }
  return { lines: priced, total: { amount, currency } };
}
