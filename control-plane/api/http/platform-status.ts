import * as z from 'zod';
import type { ResponseBody } from '../../../core/http/operation.ts';

const clusters = z.array(z.string()).describe('Ids of the clusters that run.');

const restarts = z.int().describe('How often it ended or hung and was replaced.');
const lastFailure = z
  .string()
  .exactOptional()
  .describe('Why it was replaced last, such as `hung` or `killed SIGSEGV`.');

const lastFailureAt = z.iso.datetime().exactOptional().describe('When it was replaced last.');

const EmbeddedStatus = z
  .object({
    home: z.literal('embedded'),
    clusters,
    node: z.string().describe('Version of Node.js.'),
    gateway: z.object({
      pid: z.int().nullable().describe('null while it starts.'),
      restarts,
      lastFailure,
      lastFailureAt,
    }),
    agents: z.array(z.object({ cluster: z.string(), pid: z.int(), restarts, lastFailure, lastFailureAt })),
    isolation: z.object({
      ownUsers: z.boolean().describe('Whether each silo tenant has a user id of its own.'),
      parentDeathSignal: z.boolean().describe('Whether the kernel ends tasks together with their agent.'),
      cpuCaps: z.string().describe('How CPU shares are enforced.'),
    }),
    notes: z.array(z.string()).describe('What an operator should know.'),
  })
  .meta({ id: 'EmbeddedStatus' });

const AwsStatus = z.object({ home: z.literal('aws'), clusters, region: z.string() }).meta({ id: 'AwsStatus' });

export const PlatformStatus = z
  .discriminatedUnion('home', [EmbeddedStatus, AwsStatus])
  .meta({ id: 'PlatformStatus', description: 'Facts about the whole platform, by its home.' });
export type PlatformStatus = ResponseBody<typeof PlatformStatus>;

export type EmbeddedStatus = ResponseBody<typeof EmbeddedStatus>;
