import { runService } from '../kit/server.ts';
import { buildUsers } from './app.ts';

await runService('users', buildUsers);
