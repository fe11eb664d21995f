import { runAwsService } from '../kit/server-aws.ts';
import { buildProducts } from './app.ts';

void runAwsService('products', buildProducts);
