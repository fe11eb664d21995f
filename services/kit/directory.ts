/** The address of a task, or of a name that leads to the tasks of a service: `unix:<socket path>` or `http://<host>:<port>`. */
export type Endpoint = `unix:${string}` | `http://${string}`;

/** Where the other services of the same cluster and tenant listen at the moment. */
export interface ServiceDirectory {
  /** The service's endpoints; empty while there is none. They change over time, so call it for every request. */
  endpoints(service: string): readonly Endpoint[];
}

/** The socket path of a `unix:` endpoint; undefined for any other. */
export function socketPathOf(endpoint: Endpoint): string | undefined {
  return endpoint.startsWith('unix:') ? endpoint.slice('unix:'.length) : undefined;
}
