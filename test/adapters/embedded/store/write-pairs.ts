import { openTable } from '../../../../adapters/embedded/store/table.ts';
import { systemClock } from '../../../../adapters/shared/clock.ts';
import { put } from '../../../../core/ports/table.ts';

/** `node write-pairs.ts FILE NAME`: writes pairs of items until it is killed, and prints each number when it is durable. */
const [, , file = '', name = ''] = process.argv;
const table = openTable({ file, clock: systemClock });

let next = 0;
async function writePairs(): Promise<never> {
  for (;;) {
    const i = next++;
    const sk = `${name}-${i}`;
    await table.transact([
      put({ pk: 'left', sk, version: 1, data: {} }, 'absent'),
      put({ pk: 'right', sk, version: 1, data: {} }, 'absent'),
    ]);
    process.stdout.write(`${i}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, writePairs));
