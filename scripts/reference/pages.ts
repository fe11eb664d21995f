import { cliCommands, cliOptions } from './cli-options.ts';
import { awsConfigKeys, configKeys } from './config-keys.ts';
import {
  costOfCell,
  costOfEgress,
  costOfPoolShare,
  costOfRequests,
  costOfTenants,
  priceList,
  tasksOfTiers,
} from './cost.ts';
import { internalVariables, operatorVariables } from './environment.ts';
import { errorCodes, exitCodeMeanings, exitCodes, frameworkProblems, gatewayMessages } from './errors.ts';

/** The generated sections of each page, by the page's path and the section's name. */
export const REFERENCE_PAGES: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'docs/cli.md': { commands: cliCommands, 'exit-codes': exitCodeMeanings },
  'docs/configuration.md': {
    'config-keys': configKeys,
    'aws-config-keys': awsConfigKeys,
    'cli-options': cliOptions,
    variables: operatorVariables,
    'internal-variables': internalVariables,
  },
  'docs/cost.md': {
    cell: costOfCell,
    'pool-share': costOfPoolShare,
    tenants: costOfTenants,
    tasks: tasksOfTiers,
    requests: costOfRequests,
    egress: costOfEgress,
    prices: priceList,
  },
  'docs/errors.md': {
    'error-codes': errorCodes,
    'framework-problems': frameworkProblems,
    'gateway-messages': gatewayMessages,
    'exit-codes': exitCodes,
  },
};

/** The sections of one page as they are now. */
export function sectionsOf(page: string): Map<string, string> {
  return new Map(Object.entries(REFERENCE_PAGES[page] ?? {}).map(([name, make]) => [name, make()]));
}
