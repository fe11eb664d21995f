import type { Socket } from 'node:net';

export interface ConnectionLimits {
  /** @default 512 */
  readonly perClient?: number | undefined;
  /** @default 10_000 */
  readonly total?: number | undefined;
}

/**
 * Bounds the connections of each client, and of all. A new connection beyond a bound closes one that carries no request: the
 * oldest of the same client, or of the client with the most connections. If there is none, the new connection is closed.
 */
export class ClientConnections {
  readonly #perClient: number;
  readonly #total: number;
  readonly #isBusy: (socket: Socket) => boolean;
  /** The connections of each client, oldest first. */
  readonly #clients = new Map<string, Set<Socket>>();
  #count = 0;

  /** @param isBusy whether the connection carries a request */
  constructor(isBusy: (socket: Socket) => boolean, { perClient = 512, total = 10_000 }: ConnectionLimits = {}) {
    this.#isBusy = isBusy;
    this.#perClient = perClient;
    this.#total = total;
  }

  get count(): number {
    return this.#count;
  }

  /** @param client undefined for a proxy, whose connections are those of many clients */
  add(socket: Socket, client: string | undefined): void {
    const isFull = client !== undefined && (this.#clients.get(client)?.size ?? 0) >= this.#perClient;
    if (isFull && !this.#closeIdle(client)) return void socket.destroy();
    if (this.#count >= this.#total && !this.#closeIdle(this.#largest())) return void socket.destroy();
    const key = client ?? '';
    const sockets = this.#clients.get(key) ?? new Set();
    this.#clients.set(key, sockets.add(socket));
    this.#count += 1;
    socket.once('close', () => this.#remove(key, socket));
  }

  /** Closes every connection at once. */
  closeAll(): void {
    for (const sockets of this.#clients.values()) for (const socket of sockets) socket.destroy();
  }

  #closeIdle(client: string): boolean {
    for (const socket of this.#clients.get(client) ?? []) {
      if (this.#isBusy(socket)) continue;
      this.#remove(client, socket);
      socket.destroy();
      return true;
    }
    return false;
  }

  #largest(): string {
    let largest = '';
    let most = -1;
    for (const [client, { size }] of this.#clients) {
      if (size <= most) continue;
      largest = client;
      most = size;
    }
    return largest;
  }

  #remove(client: string, socket: Socket): void {
    const sockets = this.#clients.get(client);
    if (!sockets?.delete(socket)) return;
    this.#count -= 1;
    if (sockets.size === 0) this.#clients.delete(client);
  }
}
