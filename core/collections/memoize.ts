/**
 * A function that remembers the results of `compute` for the first `capacity` keys, and computes those of all others
 * each time. A hit costs one Map lookup: cheaper than an `Lru`, for keys that are few unless a client invents them.
 * `compute` must be pure. A result of undefined is not remembered.
 */
export function memoize<V>(compute: (key: string) => V, capacity: number): (key: string) => V {
  const results = new Map<string, V>();
  return (key) => {
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = compute(key);
    if (result !== undefined && results.size < capacity) results.set(key, result);
    return result;
  };
}
