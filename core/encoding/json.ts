/** @returns the value of a JSON text, or undefined for text that is not JSON. It does not check what the value contains. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
