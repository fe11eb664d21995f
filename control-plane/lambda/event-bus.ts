import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SQSClient } from '@aws-sdk/client-sqs';
import { openEventBus } from '../../adapters/aws/events/event-bus.ts';
import { functionLog as log } from '../../adapters/aws/log.ts';
import type { EventBus } from '../../core/ports/event-bus.ts';
import type { StoreDeps } from '../api/http/deps.ts';
import type { Environment } from './environment.ts';

/** The platform's event bus, for publishing and for replaying dead letters. */
export function openBus(environment: Environment, store: StoreDeps): EventBus {
  return openEventBus({
    events: new EventBridgeClient(),
    sqs: new SQSClient(),
    busName: environment.TIERPLANE_BUS,
    queuePrefix: `${environment.TIERPLANE_PREFIX}-`,
    ...store,
    log,
  });
}
