import * as z from 'zod';

/** A line of text for people: trimmed, 1 to `max` characters, no control characters, no half of a surrogate pair. */
export function label(max: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain control characters');
}

/** An id in a path. Whether it names anything, the store knows: a malformed one is not found. */
export const pathId = z.string().min(1).max(320);
