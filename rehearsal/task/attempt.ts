/** A call that the probe makes in a service's container. */
export interface Attempt {
  /** The session of the data role to make it with, by its tags. @default - the task's own credentials */
  readonly session?: { readonly tags: Readonly<Record<string, string>> };
  readonly call: 'GetItem' | 'PutItem' | 'Query' | 'QueryIndex' | 'Scan' | 'PartiQL';
  /** The partition key that the call names. Scan names none. */
  readonly pk: string;
}

export type AttemptResult =
  | { readonly allowed: true; readonly caller: string }
  /** What AWS responded: to AssumeRole, if the session was refused, else to the call. */
  | { readonly allowed: false; readonly error: string; readonly message: string };
