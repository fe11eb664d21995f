import { expect, test } from '@jest/globals';
import { type Access, type Caller, mayCall } from '../../../core/http/access.ts';

const anonymous: Caller = { kind: 'anonymous' };
const machine: Caller = { kind: 'machine' };
const reader: Caller = { kind: 'user', role: 'Reader', scopes: ['read'] };
const admin: Caller = { kind: 'user', role: 'Admin', scopes: ['read', 'write'] };
const demoted: Caller = { kind: 'user', role: 'Reader', scopes: ['read', 'write'] };

test.each<[string, Access, Caller[]]>([
  ['public', { kind: 'public' }, [anonymous, machine, reader, admin, demoted]],
  ['for machines', { kind: 'machine' }, [machine]],
  ['for users', { kind: 'user' }, [reader, admin, demoted]],
  ['for a scope', { kind: 'user', scope: 'write' }, [admin, demoted]],
  ['for a role', { kind: 'user', role: 'Admin' }, [admin]],
  ['for a scope and a role', { kind: 'user', scope: 'write', role: 'Admin' }, [admin]],
  ['for a role and machines', { kind: 'user', role: 'Admin', machineToo: true }, [machine, admin]],
])('an operation %s admits exactly those callers', (_what, access, admitted) => {
  const callers = [anonymous, machine, reader, admin, demoted];
  expect(callers.filter((caller) => mayCall(access, caller))).toEqual(admitted);
});
