import { invalid } from './problems.ts';

/** As deep as DynamoDB keeps a document. */
const MAX_DEPTH = 32;
const NOT_UNICODE = 'must be Unicode text';

type Path = readonly (string | number)[];

/**
 * The JSON of a body; no body is the value undefined. Throws INVALID for what no object of ours may hold: nesting past
 * 32 levels, a key that would become an object's prototype, a number past a double's range, half a surrogate pair.
 *
 * @returns undefined for text that is no JSON
 */
export function parseJson(text: string | undefined): { readonly value: unknown } | undefined {
  if (text === undefined || text === '') return { value: undefined };
  let value: unknown;
  try {
    // A byte order mark may be ignored: https://www.rfc-editor.org/rfc/rfc8259#section-8.1
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
  refuseUnsafeValues(value);
  return { value };
}

/** Walks without recursion, so that no depth can break it. */
function refuseUnsafeValues(root: unknown): void {
  const open: { value: unknown; path: Path }[] = [{ value: root, path: ['body'] }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, path } = next;
    if (typeof value === 'string' && !value.isWellFormed()) throw invalid(path, 'string_unicode', NOT_UNICODE);
    if (typeof value === 'number' && !Number.isFinite(value)) throw invalid(path, 'finite_number', 'must be finite');
    if (typeof value !== 'object' || value === null) continue;
    if (path.length > MAX_DEPTH)
      throw invalid(path.slice(0, 4), 'recursion_loop', `must nest at most ${MAX_DEPTH} deep`);
    for (const [key, inner] of Object.entries(value)) {
      const place = [...path, Array.isArray(value) ? Number(key) : key];
      if (!key.isWellFormed()) throw invalid(path, 'string_unicode', NOT_UNICODE);
      if (key === '__proto__') throw invalid(place, 'extra_forbidden', 'is not a known key');
      open.push({ value: inner, path: place });
    }
  }
}
