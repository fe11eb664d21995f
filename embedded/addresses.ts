import { type AddressInfo, createServer } from 'node:net';
import { DomainError } from '../core/errors.ts';
import type { PlatformConfig } from './config.ts';
import type { Urls } from './running.ts';

/** Where the gateway listens, and its URLs. */
export interface Addresses {
  readonly host: string;
  readonly port: number;
  readonly urls: Urls;
  /** The gateway's base URL for processes on this machine. */
  readonly local: string;
}

/** Listening on one of these means listening on every address of the machine. */
const ANY = new Set(['0.0.0.0', '::', '[::]']);

/**
 * Chooses the port (0 picks a free one) and every URL, before anything starts that needs them.
 * Throws CONFIG if the port is in use, or if the address does not belong to this machine.
 */
export async function chooseAddresses(config: PlatformConfig): Promise<Addresses> {
  const port = await freePort(config.host, config.port);
  const local = `http://${inUrl(ANY.has(config.host) ? '127.0.0.1' : config.host)}:${port}`;
  const publicUrl = config.publicUrl ?? (ANY.has(config.host) ? `http://localhost:${port}` : local);
  const controlPlane = `${publicUrl}/control-plane`;
  const urls = { publicUrl, controlPlane, api: `${publicUrl}/api`, openapi: `${controlPlane}/openapi.json` };
  return { host: config.host, port, urls, local };
}

function inUrl(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

function freePort(host: string, port: number): Promise<number> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const reasons = {
        EADDRINUSE: 'is in use',
        EACCES: 'may not be opened by this user',
        EADDRNOTAVAIL: 'is not an address of this machine',
      };
      const why = reasons[cause.code as keyof typeof reasons] ?? `cannot be opened (${cause.code})`;
      reject(
        new DomainError('CONFIG', `${host}:${port} ${why}; choose another address with --port or --host`, { cause }),
      );
    });
    probe.listen({ host, port }, () => {
      const { port: found } = probe.address() as AddressInfo;
      probe.close(() => resolve(found));
    });
  });
}
