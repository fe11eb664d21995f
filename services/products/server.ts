import { runService } from '../kit/server.ts';
import { buildProducts } from './app.ts';

void runService('products', buildProducts);
