/** An import of node:http would also load Node's fetch, which costs each agent 13 MB and 40 ms. */
const { Agent, request } = process.getBuiltinModule('node:http');

/** Requests `/healthz` of one task over its Unix socket, on one kept-alive connection. */
export class HealthCheck {
  readonly #socketPath: string;
  readonly #connections = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** Whether the task responds with 200 within `timeoutMs`. */
  check(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const sent = request({ socketPath: this.#socketPath, path: '/healthz', agent: this.#connections }, (response) => {
        response.resume();
        response.once('end', () => complete(response.statusCode === 200));
      });
      const timer = setTimeout(() => sent.destroy(new Error('timed out')), timeoutMs);
      const complete = (healthy: boolean): void => {
        clearTimeout(timer);
        resolve(healthy);
      };
      sent.on('error', () => complete(false));
      sent.once('close', () => complete(false));
      sent.end();
    });
  }

  close(): void {
    this.#connections.destroy();
  }
}
