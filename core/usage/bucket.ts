import type { UsagePlan } from '../tier/tiers.ts';

/**
 * A token bucket per API key that starts full: `tokens = min(burst, tokens + rate * dt)`.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
 */
export interface Bucket {
  /** 0..burst */
  tokens: number;
  /** The time of `tokens`, in milliseconds of a monotonic clock. */
  at: number;
}

type Limits = Pick<UsagePlan, 'rate' | 'burst'>;

export function fullBucket({ burst }: Limits, nowMs: number): Bucket {
  return { tokens: burst, at: nowMs };
}

/**
 * Takes one token if there is one. Changes the bucket in place, because it runs once per request. A clock that was set
 * back adds no tokens. A changed plan applies from this call on.
 *
 * @returns whether the call is admitted
 */
export function take(bucket: Bucket, plan: Limits, nowMs: number): boolean {
  bucket.tokens = tokensAt(bucket, plan, nowMs);
  bucket.at = Math.max(bucket.at, nowMs);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/** Returns the token of a call that was admitted and then did not happen. */
export function giveBack(bucket: Bucket, { burst }: Limits): void {
  bucket.tokens = Math.min(burst, bucket.tokens + 1);
}

/** Whether `take` would admit a call. */
export function hasToken(bucket: Bucket, plan: Limits, nowMs: number): boolean {
  return tokensAt(bucket, plan, nowMs) >= 1;
}

/** Whether the bucket is full, so that it can be dropped: a new one holds no more. */
export function isFull(bucket: Bucket, plan: Limits, nowMs: number): boolean {
  return tokensAt(bucket, plan, nowMs) >= plan.burst;
}

/** Whole seconds, at least 1, until the bucket holds a token again; the value of `retry-after`. */
export function secondsToToken(bucket: Bucket, plan: Limits, nowMs: number): number {
  return Math.max(1, Math.ceil((1 - tokensAt(bucket, plan, nowMs)) / plan.rate));
}

function tokensAt({ tokens, at }: Bucket, { rate, burst }: Limits, nowMs: number): number {
  return Math.min(burst, tokens + (rate * Math.max(0, nowMs - at)) / 1_000);
}
