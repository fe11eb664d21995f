import type { Log } from '../../core/ports/log.ts';

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
