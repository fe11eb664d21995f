import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { ensurePython } from '../../rehearsal/python-environment.ts';
import { describeWithPython } from '../support/describe-with-python.ts';

const EMULATOR = join(import.meta.dirname, '..', '..', 'rehearsal', 'emulator');

/** Creates a service whose wait for steadiness fails with the given error, and prints the statuses of all services. */
const CREATE_SERVICE = `
import builtins, sys

sys.path.insert(0, sys.argv[1])
import stacks_of_services
from ministack.services import ecs
from ministack.services.cloudformation import provisioners

error = getattr(builtins, sys.argv[2])

def fail(_service):
    raise error("no such key")

stacks_of_services._wait = fail
stacks_of_services.wait_for_steady_services()
ecs._create_cluster({"clusterName": "c"})
ecs._register_task_definition({"family": "f", "containerDefinitions": [{"name": "main", "image": "none"}]})
properties = {"Cluster": "c", "ServiceName": "s", "TaskDefinition": "f", "DesiredCount": "0"}
try:
    provisioners._RESOURCE_HANDLERS["AWS::ECS::Service"]["create"]("Service", properties, "stack")
except error:
    print([service["status"] for service in ecs._services.values()])
`;

describeWithPython('ECS services of stacks in the emulator', () => {
  test.each(['ValueError', 'KeyError', 'KeyboardInterrupt'])(
    'a service whose creation fails with %s is deleted, and the error goes on',
    async (error) => {
      const python = await ensurePython('emulator', { progress: (line) => process.stderr.write(`${line}\n`) });
      const { stdout } = await promisify(execFile)(python, ['-I', '-B', '-c', CREATE_SERVICE, EMULATOR, error]);
      expect(stdout.trim()).toBe("['INACTIVE']");
    },
    240_000,
  );
});
