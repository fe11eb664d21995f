import * as z from 'zod';
import type { ResponseBody } from '../../../core/http/operation.ts';

/** What a tenant runs, in comparison with the platform. */
export const Release = z
  .object({
    release: z.string().optional().describe('What the tenant runs; during an update, what it ran before.'),
    current: z.string().describe("The platform's release."),
    state: z
      .enum(['current', 'outdated', 'updating', 'failed', 'pooled'])
      .describe(
        '`pooled`: the tenant runs what the pooled services run. `failed`: the last update was rolled back and can be requested again.',
      ),
    reason: z.string().optional().describe('Why the last update was rolled back, or what the present one waits for.'),
  })
  .meta({ id: 'Release' });
export type Release = ResponseBody<typeof Release>;
