import { describe, expect, test } from '@jest/globals';
import { readEnvironment } from '../../../control-plane/lambda/environment.ts';

describe('the environment of a function', () => {
  test('is refused with a list of every missing or malformed variable, without values', () => {
    const given = { AWS_REGION: 'us-east-1', TIERPLANE_TABLE: '', TIERPLANE_SENDER: 'secret', TIERPLANE_APP_URL: 'no' };
    const read = () => readEnvironment(given);
    expect(read).toThrow(expect.objectContaining({ code: 'CONFIG' }));
    for (const name of [
      'TABLE',
      'BUS',
      'PREFIX',
      'ADMIN_POOL',
      'ADMIN_CLIENT',
      'MACHINE_CLIENT',
      'AUTOMATION_CLIENT',
      'PASSWORD_KEY',
      'RESERVED_NAMES',
    ]) {
      expect(read).toThrow(`TIERPLANE_${name}:`);
    }
    expect(read).toThrow('TIERPLANE_SENDER:');
    expect(read).toThrow('TIERPLANE_APP_URL:');
    expect(read).not.toThrow('secret');
  });
});
