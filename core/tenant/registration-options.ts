import * as z from 'zod';
import { type ComputeOptions, type Isolation, PACKINGS } from '../tier/tiers.ts';

/** Options of a registration, as keys of `tenantData`. They are those of AWS's ECS reference architecture, and `packing`. */
export const REGISTRATION_OPTIONS = ['useEc2', 'useFederation', 'packing'] as const;

/** The ECS reference's clients send text. */
const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], 'must be true or false')
  .optional()
  .meta({ description: 'true or false; the texts "true" and "false" are accepted too.' });

/** The options in `tenantData`. They are stored as the client sent them. */
export const registrationOptions = {
  useEc2: flag.describe(
    "On AWS: the tenant's own tasks run on EC2 instances. Only for tiers with services of their own.",
  ),
  useFederation: flag.describe(
    'Must be false or absent: sign-in by an identity provider of the tenant is not available.',
  ),
  packing: z
    .enum(PACKINGS)
    .optional()
    .describe("On AWS: a task for each of the tenant's own services, or one task for all. As for useEc2."),
};

interface Options {
  readonly useEc2?: boolean | string | undefined;
  readonly useFederation?: boolean | string | undefined;
  readonly packing?: string | undefined;
}

/** An option that the tier does not allow, and why. */
export interface OptionProblem {
  readonly option: (typeof REGISTRATION_OPTIONS)[number];
  readonly message: string;
}

/** Checks the options against the tier. */
export function optionProblems(options: Options, tier: { readonly name: string; readonly isolation: Isolation }) {
  const problems: OptionProblem[] = [];
  if (isOn(options.useFederation)) {
    problems.push({ option: 'useFederation', message: 'is not available yet; omit it or set it to false' });
  }
  if (tier.isolation !== 'pool') return problems;
  const message = `needs a tier with services of its own; ${tier.name} shares the pooled ones`;
  if (isOn(options.useEc2)) problems.push({ option: 'useEc2', message });
  if (options.packing !== undefined) problems.push({ option: 'packing', message });
  return problems;
}

/**
 * What the options mean for the tenant's compute; undefined if they choose nothing. Values that an earlier version stored
 * under the same keys choose nothing.
 */
export function computeOptionsOf({ useEc2, packing }: Readonly<Record<string, unknown>>): ComputeOptions | undefined {
  const chosen = PACKINGS.find((one) => one === packing);
  if (!isOn(useEc2) && chosen === undefined) return undefined;
  return { ...(isOn(useEc2) && { capacity: 'ec2' as const }), ...(chosen !== undefined && { packing: chosen }) };
}

function isOn(flagged: unknown): boolean {
  return flagged === true || flagged === 'true';
}
