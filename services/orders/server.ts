import { runService } from '../kit/server.ts';
import { buildOrders } from './app.ts';

void runService('orders', buildOrders);
