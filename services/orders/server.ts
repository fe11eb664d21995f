import { runService } from '../kit/server.ts';
import { buildOrders } from './app.ts';

await runService('orders', buildOrders);
