import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import { systemClock } from '../../../adapters/shared/clock.ts';
import { createIngress, type Ingress, type IngressLimits } from '../../../app-plane/ingress/app.ts';
import type { Log } from '../../../core/ports/log.ts';
import { closeServer, listen } from '../../support/http-server.ts';
import { recordingLog } from '../../support/recording-log.ts';

export const SERVICES = ['orders', 'products'];

/** What a service received. */
export interface Received {
  readonly service: string;
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** An ingress on a free port before real HTTP servers. Names of hosts lead to them as Service Connect's names do. */
export class IngressScene implements AsyncDisposable {
  /** Every host that ingress has connected to, with the port: `products:8080`. */
  readonly connected: string[] = [];
  readonly received: Received[] = [];
  readonly logged: string[] = [];
  readonly ingress: Ingress;
  readonly #servers = new Map<string, Server>();
  readonly #ports = new Map<string, number>();
  readonly #handlers = new Map<string, Handler>();
  port = 0;

  private constructor(limits: Partial<IngressLimits>, log: Log | undefined) {
    const connector = buildConnector({ timeout: limits.connectMs ?? 2_000 });
    this.ingress = createIngress({
      config: { services: SERVICES, stage: 'prod', shard: 's1', servicePort: 8_080 },
      log: log ?? recordingLog(this.logged),
      clock: systemClock,
      limits: { lingerMs: 0, ...limits },
      connect: (options, callback) => {
        this.connected.push(`${options.hostname}:${options.port}`);
        const port = this.#ports.get(options.hostname);
        if (port === undefined) callback(new Error(`no service has the name ${options.hostname}`), null);
        else connector({ ...options, hostname: '127.0.0.1', port: String(port) }, callback);
      },
    });
  }

  static async start(limits: Partial<IngressLimits> = {}): Promise<IngressScene> {
    const scene = new IngressScene(limits, undefined);
    for (const service of SERVICES) await scene.#startService(service);
    scene.port = (await listen(scene.ingress.server)).port;
    return scene;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How a service responds from now on. At first it responds with its name. */
  respond(service: string, handler: Handler): void {
    this.#handlers.set(service, handler);
  }

  async stop(service: string): Promise<void> {
    const server = this.#servers.get(service);
    if (server) await closeServer(server);
  }

  /** Sends bytes on a connection of its own. @returns everything that arrives until the connection ends */
  async raw(bytes: string): Promise<string> {
    const socket = this.connect();
    socket.write(bytes, 'latin1');
    let text = '';
    for await (const piece of socket.setEncoding('latin1')) text += piece;
    return text;
  }

  connect(): Socket {
    return connectTcp(this.port, '127.0.0.1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ingress.drain(0);
    for (const server of this.#servers.values()) await closeServer(server);
  }

  async #startService(service: string): Promise<void> {
    const server = createServer((request, response) => {
      const { method = '', url = '', rawHeaders } = request;
      this.received.push({ service, method, url, rawHeaders });
      const handler = this.#handlers.get(service);
      if (handler) handler(request, response);
      else request.resume().once('end', () => response.end(service));
    });
    this.#servers.set(service, server);
    this.#ports.set(service, (await listen(server)).port);
  }
}
