import { expect, test } from 'vitest';
import type { Role, User, UserStatus } from '../api/model';
import { mayOpen, userActions } from './access';

const user = (id: string, role: Role, status: UserStatus = 'active'): User => ({
  id,
  role,
  status,
  name: id,
  account_id: 'acc',
  email: null,
  status_reason: null,
  created_at: 0,
});

test.each([
  ['user', 'user', true],
  ['user', 'admin', false],
  ['admin', 'admin', true],
  ['admin', 'superadmin', false],
  ['superadmin', 'superadmin', true],
] as const)('%s may open a page for %s: %s', (role, access, expected) => {
  expect(mayOpen(role, access)).toBe(expected);
});

test.each([
  ['oneself', user('a', 'superadmin'), user('a', 'superadmin'), []],
  ['a plain user', user('a', 'user'), user('b', 'user'), []],
  ['admin on pending', user('a', 'admin'), user('b', 'user', 'pending'), ['approve']],
  ['admin on active', user('a', 'admin'), user('b', 'admin'), ['suspend']],
  ['admin on superadmin', user('a', 'admin'), user('b', 'superadmin'), []],
  [
    'superadmin on suspended',
    user('a', 'superadmin'),
    user('b', 'user', 'suspended'),
    ['reinstate', { role: 'admin' }, { role: 'superadmin' }],
  ],
])('actions: %s', (_, actor, target, expected) => {
  expect(userActions(actor, target)).toEqual(expected);
});
