import { expect, test } from 'vitest';
import { loginPath, normalisePath, safeNext, withQuery } from './query';

const origin = 'http://sam.example';

test.each([
  ['/', '/'],
  ['', '/'],
  ['/admin/users', '/admin/users'],
  ['/admin/users/', '/admin/users'],
  ['/admin//', '/admin'],
])('normalisePath(%j) = %j', (path, expected) => {
  expect(normalisePath(path)).toBe(expected);
});

test.each([
  ['/a', { status: 'pending' }, '/a?status=pending'],
  ['/a?status=pending&cursor=x', { cursor: undefined }, '/a?status=pending'],
  ['/a?status=pending', { status: '' }, '/a'],
  ['/a', { action: 'user approve&' }, '/a?action=user+approve%26'],
])('withQuery(%j, %j) = %j', (path, changes, expected) => {
  expect(withQuery(new URL(path, origin), changes)).toBe(expected);
});

test.each([
  [null, '/'],
  ['/admin/audit?actor=a', '/admin/audit?actor=a'],
  ['//evil.example/x', '/'],
  ['/\\evil.example', '/'],
  ['https://evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/login?next=/login', '/'],
])('safeNext(%j) = %j', (next, expected) => {
  expect(safeNext(next, origin)).toBe(expected);
});

test.each([
  ['/', '/login'],
  ['/login', '/login'],
  ['/admin/audit?action=a', '/login?next=%2Fadmin%2Faudit%3Faction%3Da'],
])('loginPath(%j) = %j', (path, expected) => {
  expect(loginPath(new URL(path, origin))).toBe(expected);
});
