import { routeKeys } from '../../../../adapters/embedded/metering/metering-keys.ts';
import { meteringKeysContract } from '../../contract/metering-keys.suite.ts';

meteringKeysContract('the gateway', async () => ({ keys: routeKeys, found: undefined, close: async () => undefined }));
