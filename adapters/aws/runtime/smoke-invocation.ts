import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { jsonIn } from '../../../core/encoding/json.ts';
import { DomainError } from '../../../core/errors.ts';
import { throwAs } from '../store/errors.ts';

/** What the function returns. */
const Returned = z.object({ failure: z.string().optional() });

/**
 * Smoke requests by invocation of the function `smoke` (app-plane/lambda/smoke.ts), which runs where load balancers can be
 * reached.
 * @param functionName name or ARN
 * @returns a function that sends the requests. It resolves to undefined if all were served, else to the reason in plain words.
 *   It throws UNAVAILABLE if the function could not be invoked.
 */
export function openSmokeInvocation(
  lambda: LambdaClient,
  functionName: string,
): (request: object) => Promise<string | undefined> {
  return async (request) => {
    const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(request)) });
    const { FunctionError, Payload = new Uint8Array() } = await lambda.send(command).catch(throwAs('Lambda'));
    const returned = Returned.safeParse(jsonIn(Buffer.from(Payload).toString()));
    if (FunctionError !== undefined || !returned.success) {
      throw new DomainError('UNAVAILABLE', `the smoke function failed: ${FunctionError ?? 'unexpected result'}`);
    }
    return returned.data.failure;
  };
}
