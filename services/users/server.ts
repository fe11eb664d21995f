import { runService } from '../kit/server.ts';
import { buildUsers } from './app.ts';

void runService('users', buildUsers);
