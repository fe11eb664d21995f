import { type AddressInfo, createServer } from 'node:net';
import { DomainError } from '../core/errors.ts';
import type { PlatformConfig } from './config.ts';
import type { Urls } from './running.ts';

/** Where the front door listens, and what it is called from outside. */
export interface Addresses {
  readonly host: string;
  readonly port: number;
  readonly urls: Urls;
  /** The front door as this machine's own processes reach it. */
  readonly local: string;
}

/** Every address that stands for all of a machine's. */
const ANY = new Set(['0.0.0.0', '::', '[::]']);

/**
 * Settles the port (0 is a free one) and every URL, before anything that has to know them starts.
 * Throws CONFIG if the port is taken or the address is not this machine's.
 */
export async function settleAddresses(config: PlatformConfig): Promise<Addresses> {
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
      const words = {
        EADDRINUSE: 'is in use',
        EACCES: 'may not be opened by this user',
        EADDRNOTAVAIL: 'is no address of this machine',
      };
      const why = words[cause.code as keyof typeof words] ?? `cannot be opened (${cause.code})`;
      reject(
        new DomainError(
          'CONFIG',
          `the front door's address ${host}:${port} ${why}; choose another with --port or --host`,
          { cause },
        ),
      );
    });
    probe.listen({ host, port }, () => {
      const { port: found } = probe.address() as AddressInfo;
      probe.close(() => resolve(found));
    });
  });
}
