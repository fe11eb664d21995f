import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { clientBehindProxies, socketAddress, trustedProxies } from '../../core/http/client-address.ts';
import { parseIp } from '../../core/http/ip-address.ts';

export interface ClientAddresses {
  /** The address of the client that sent a request. */
  of(request: Pick<IncomingMessage, 'socket' | 'rawHeaders'>): string;
  /** The address of the client that made a connection; undefined for a proxy, which connects for many clients. */
  ofConnection(socket: Socket): string | undefined;
}

interface Peer {
  readonly address: string;
  /** Whether the headers of its requests name the client. */
  readonly isProxy: boolean;
}

/**
 * @param proxies addresses and ranges of the proxies in front of the gateway, or `loopback`. Without any, the address of
 * the connection counts, and headers are not read.
 */
export function createClientAddresses(proxies: readonly string[] = []): ClientAddresses {
  const trusted = trustedProxies(proxies);
  const peers = new WeakMap<Socket, Peer>();

  function peerOf(socket: Socket): Peer {
    const known = peers.get(socket);
    if (known) return known;
    const address = socketAddress(socket.remoteAddress);
    const parsed = trusted.none ? undefined : parseIp(address);
    const peer = { address, isProxy: parsed !== undefined && trusted.has(parsed) };
    peers.set(socket, peer);
    return peer;
  }

  return {
    of({ socket, rawHeaders }) {
      const { address, isProxy } = peerOf(socket);
      return isProxy ? clientBehindProxies(address, rawHeaders, trusted) : address;
    },
    ofConnection(socket) {
      const { address, isProxy } = peerOf(socket);
      return isProxy ? undefined : address;
    },
  };
}
