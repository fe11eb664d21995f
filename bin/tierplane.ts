import { runCommandLine } from '../cli/program.ts';

runCommandLine(process.argv);
