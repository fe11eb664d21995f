import { openScratchTable } from '../../support/scratch-table.ts';
import { guardedTableContract } from './guarded-table.suite.ts';

guardedTableContract('SqliteTable', openScratchTable);
