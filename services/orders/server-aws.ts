import { runAwsService } from '../kit/server-aws.ts';
import { buildOrders } from './app.ts';

void runAwsService('orders', buildOrders);
