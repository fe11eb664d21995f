import { open } from '../embedded/store/table-files.ts';
import { tableContract } from './table.suite.ts';

tableContract('SqliteTable', async () => {
  const table = open();
  return { table, close: () => table.close() };
});
