/**
 * A structured logger that writes one JSON line per call; pino implements it. Log an event once, at the edge. Never log
 * a token, password, key, policy or request body.
 */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
