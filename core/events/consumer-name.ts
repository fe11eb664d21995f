import { DomainError } from '../errors.ts';

/**
 * On AWS the name is part of the names of two queues, `<prefix><consumer>-dead`, which have at most 80 characters; a prefix
 * has at most 23.
 */
const CONSUMER_NAME = /^[a-z0-9][a-z0-9-]{0,39}$/;

/** Throws INVALID unless the name has 1 to 40 lowercase letters, digits and hyphens. Every event bus uses this rule. */
export function requireConsumerName(name: string): void {
  if (CONSUMER_NAME.test(name)) return;
  throw new DomainError('INVALID', `consumer name must match ${CONSUMER_NAME}, got '${name}'`);
}
