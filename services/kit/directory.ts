/** Where the other services of the same cluster and tenant listen at the moment. */
export interface ServiceDirectory {
  /** Unix socket paths of the service's tasks; empty while there is none. It changes over time, so call it for every request. */
  sockets(service: string): readonly string[];
}
