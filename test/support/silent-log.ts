import type { Log } from '../../core/ports/log.ts';

/** A log that writes nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
