/**
 * The response of a task is not HTTP/1.1, or two parties could read it differently. One connection carries the responses
 * of several tenants, so a misread end would send one tenant's data to another. The message never quotes the response.
 */
export class MalformedResponse extends Error {
  override readonly name = 'MalformedResponse';
}
