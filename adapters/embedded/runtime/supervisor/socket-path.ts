import { join } from 'node:path';
import { MAX_TENANT_ID_LENGTH } from '../../../../core/tenant/ids.ts';

/** Longest path of a Unix socket, in bytes without the terminating zero, on the strictest system: 103 on macOS. */
const MAX_SOCKET_PATH_BYTES = 103;
export const MAX_SERVICE_NAME_LENGTH = 16;
/** Random characters of a task id. */
export const TASK_SUFFIX_LENGTH = 5;

/** Longest path of a run directory, in bytes: what the longest socket path leaves for it. */
export const MAX_RUN_DIR_BYTES =
  MAX_SOCKET_PATH_BYTES -
  socketPath(
    `/${'t'.repeat(MAX_TENANT_ID_LENGTH)}`,
    `${'s'.repeat(MAX_SERVICE_NAME_LENGTH)}-${'x'.repeat(TASK_SUFFIX_LENGTH)}`,
  ).length;

/** Path of the socket that a task listens on. */
export function socketPath(socketDir: string, taskId: string): string {
  return join(socketDir, `${taskId}.sock`);
}
