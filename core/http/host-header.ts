const HOST_LENGTH = 'host'.length;
/** Host and port (RFC 3986, 3.2.2), without the comma: it shows two values that a proxy has merged. */
const HOST = /^(?:\[[0-9a-f:.]+\]|[\w.~%!$&'()*+;=-]*)(?::\d{0,5})?$/i;

/**
 * Whether a request has at most one `Host` header, with a valid value. A server must refuse others with 400, because two
 * servers could read different hosts (RFC 9112, 3.2). Node merges the lines, so only the raw headers show them.
 *
 * @param rawHeaders `name, value, name, value ...` as received
 */
export function hasValidHost(rawHeaders: readonly string[]): boolean {
  let found = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== HOST_LENGTH || name.toLowerCase() !== 'host') continue;
    if (found || !HOST.test(rawHeaders[index + 1] as string)) return false;
    found = true;
  }
  return true;
}
