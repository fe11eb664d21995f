import * as z from 'zod';
import type { ServiceDirectory } from './directory.ts';

/** What an agent tells its tasks. */
const AgentMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('directory'), services: z.record(z.string(), z.array(z.string())) }),
  z.object({ type: z.literal('drain') }),
]);

export interface AgentLink {
  /** As the agent told it last. */
  readonly directory: ServiceDirectory;
  /** Tells the agent that the task listens. */
  ready(): void;
}

/**
 * The task's end of its IPC channel. Without an agent (started by hand) it is silent and knows no sibling.
 *
 * @param on `drain`: finish and end, in peace; `orphaned`: the agent is gone, end at once
 */
export function linkToAgent(process: NodeJS.Process, on: { drain(): void; orphaned(): void }): AgentLink {
  let services: Readonly<Record<string, readonly string[]>> = {};
  process.on('message', (raw) => {
    const message = AgentMessage.safeParse(raw);
    if (!message.success) return;
    if (message.data.type === 'directory') services = message.data.services;
    else on.drain();
  });
  process.on('disconnect', on.orphaned);
  return {
    directory: { sockets: (service) => services[service] ?? [] },
    ready: () => void process.send?.({ type: 'ready' }),
  };
}
