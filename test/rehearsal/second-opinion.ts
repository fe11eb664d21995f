import { type EmulatedAccount, REGION } from '../../rehearsal/emulated-account.ts';

/**
 * The address of moto, another emulator of AWS, which a run of Jest uses instead of an emulated account of its own.
 * test/adapters/aws/second-opinion.test.ts starts such a run.
 */
const { MOTO_URL: endpoint } = process.env;

/** The account of moto, or undefined if this run does not use it. It has neither permissions nor containers. */
export function secondOpinion(): EmulatedAccount | undefined {
  if (endpoint === undefined) return undefined;
  const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
  return {
    ...{ endpoint, port: Number(new URL(endpoint).port), directory: '', engine: undefined },
    environment: { AWS_ENDPOINT_URL: endpoint, AWS_REGION: REGION, ...keys },
    log: () => '',
    // Other suites of the same run use it, too.
    reset: async () => undefined,
    close: async () => undefined,
  };
}
