/** The service directory of a task: where its siblings, of the same cluster and tenant, listen right now. */
export interface ServiceDirectory {
  /** Unix socket paths of the service's tasks; empty while there is none. Asked anew at every call. */
  sockets(service: string): readonly string[];
}
