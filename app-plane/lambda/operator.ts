import { functionClock as clock } from '../../adapters/aws/clock.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import { systemRandom as random } from '../../adapters/shared/clock.ts';
import { APP_PLANE_OPERATIONS } from '../../control-plane/api/app-plane-operations.ts';
import { createDispatch } from '../../control-plane/api/dispatch.ts';
import { createHttpHandler } from '../../control-plane/lambda/http-handler.ts';
import { principalOf } from '../../control-plane/lambda/principal.ts';
import { readEnvironment } from './environment.ts';
import { OPERATOR_VARIABLES, openOperator } from './open-operator.ts';

/**
 * Serves the operations of the control plane's API that need the application plane: its services, users, placements and dead
 * letters (docs/decisions/0041). The control plane's own functions have no access to any of these.
 */
const environment = readEnvironment(process.env, [
  ...OPERATOR_VARIABLES,
  'TIERPLANE_MACHINE_CLIENT',
  'TIERPLANE_AUTOMATION_CLIENT',
]);
const { table, depsFor } = openOperator(environment, { clock, random, log });

export const handler = createHttpHandler({
  ...{ clock, log },
  principalOf: (event) =>
    principalOf(event, {
      table,
      machineClientId: environment.TIERPLANE_MACHINE_CLIENT,
      automationClientId: environment.TIERPLANE_AUTOMATION_CLIENT,
    }),
  open: (authorize) =>
    createDispatch(depsFor(), {
      ...{ authorize, operations: APP_PLANE_OPERATIONS },
      guarded: (_, guard) => depsFor(guard),
    }),
});
