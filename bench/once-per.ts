/** Makes a thing once for each key, also where several ask at the same time; a failed making is forgotten. */
export function oncePer<K extends object, V>(make: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const made = new WeakMap<K, Promise<V>>();
  return (key) => {
    const known = made.get(key);
    if (known) return known;
    const making = make(key);
    made.set(key, making);
    making.catch(() => made.delete(key));
    return making;
  };
}
