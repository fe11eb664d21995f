/** Imported, it would bring Node's fetch with it, to each agent: 13 MB and 40 ms. */
const { Agent, request } = process.getBuiltinModule('node:http');

/** Asks one task's `/healthz` over its Unix socket, on one kept connection. */
export class HealthCheck {
  readonly #socketPath: string;
  readonly #connections = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** @returns whether it answered 200 within `timeoutMs` */
  ask(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const asked = request({ socketPath: this.#socketPath, path: '/healthz', agent: this.#connections }, (answer) => {
        answer.resume();
        answer.once('end', () => settle(answer.statusCode === 200));
      });
      const timer = setTimeout(() => asked.destroy(new Error('timed out')), timeoutMs);
      const settle = (healthy: boolean): void => {
        clearTimeout(timer);
        resolve(healthy);
      };
      asked.on('error', () => settle(false));
      asked.once('close', () => settle(false));
      asked.end();
    });
  }

  close(): void {
    this.#connections.destroy();
  }
}
