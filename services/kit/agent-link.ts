import * as z from 'zod';
import type { Endpoint, ServiceDirectory } from './directory.ts';

/** The agent sends paths of Unix sockets. */
function endpointOf(socketPath: string): Endpoint {
  return `unix:${socketPath}`;
}

/** A message from an agent to its tasks. */
const AgentMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('directory'), services: z.record(z.string(), z.array(z.string().transform(endpointOf))) }),
  z.object({ type: z.literal('drain') }),
]);

export interface AgentLink {
  /** The directory that the agent sent last. */
  readonly directory: ServiceDirectory;
  /** Notifies the agent that the task listens. */
  ready(): void;
}

/**
 * The task's end of the IPC channel with its agent. A task that is started by hand has no agent: it sends nothing and its
 * directory is empty.
 *
 * @param on `drain`: finish the requests in progress, then exit; `orphaned`: the agent is gone, so exit at once
 */
export function linkToAgent(process: NodeJS.Process, on: { drain(): void; orphaned(): void }): AgentLink {
  let services: Readonly<Record<string, readonly Endpoint[]>> = {};
  process.on('message', (raw) => {
    const message = AgentMessage.safeParse(raw);
    if (!message.success) return;
    if (message.data.type === 'directory') services = message.data.services;
    else on.drain();
  });
  process.on('disconnect', on.orphaned);
  return {
    directory: { endpoints: (service) => services[service] ?? [] },
    ready: () => void process.send?.({ type: 'ready' }),
  };
}

/** Notifies the agent that the task cannot open its data. Resolves when the message is sent. */
export function reportDataFailure(process: NodeJS.Process, reason: string): Promise<void> {
  return new Promise((resolve) => {
    if (process.send) process.send({ type: 'data-failure', reason }, () => resolve());
    else resolve();
  });
}
