/** Calls `create` once per key, also for concurrent callers. After a failure the next caller tries again. */
export function oncePer<K extends object, V>(create: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const created = new WeakMap<K, Promise<V>>();
  return (key) => {
    const known = created.get(key);
    if (known) return known;
    const creation = create(key);
    created.set(key, creation);
    creation.catch(() => created.delete(key));
    return creation;
  };
}
