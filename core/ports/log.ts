/**
 * A structured logger: one JSON line per call. pino satisfies it. Log once, at the edge;
 * never a token, password, key, policy or request body.
 */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
