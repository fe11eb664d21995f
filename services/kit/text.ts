import * as z from 'zod';

/** A line of text for humans: trimmed, 1 to `max` characters, no control characters, no lone surrogates. */
export function label(max: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters');
}
