import { runService } from '../kit/server.ts';
import { buildProducts } from './app.ts';

await runService('products', buildProducts);
