import { expect, test } from 'vitest';
import { emptyDraft, looksComplete, nameOf, problemsOf, requestOf } from './draft';

test.each([
  ['https://github.com/acme/rocket.git', 'rocket'],
  ['git@github.com:acme/rocket', 'rocket'],
  ['git@host:rocket.git', 'rocket'],
  ['/srv/repos/rocket/', 'rocket'],
  ['', ''],
])('nameOf(%j) = %j', (repository, expected) => {
  expect(nameOf(repository)).toBe(expected);
});

test.each([
  ['/srv', true],
  ['/', false],
  ['https://github.com', false],
  ['https://github.com/acme/rocket', true],
  ['git@github.com:acme', true],
  ['github.com/acme', false],
  ['', false],
])('looksComplete(%j) = %j', (repository, expected) => {
  expect(looksComplete(repository)).toBe(expected);
});

test('what was not said is not sent', () => {
  expect(requestOf(emptyDraft(''))).toEqual({ shallow: false });
  expect(requestOf({ ...emptyDraft(' /srv/r '), branch: 'main' })).toEqual({
    shallow: false,
    repository: '/srv/r',
    branch: 'main',
  });
  expect(requestOf({ ...emptyDraft(''), branch: 'left over', isPrivate: true, password: 'x' })).toEqual({
    shallow: false,
  });
});

test('limits are sent in the units of the wire', () => {
  const draft = { ...emptyDraft(''), cores: '1,5', memoryGib: '2', idleMinutes: '0' };
  expect(requestOf(draft)).toEqual({
    shallow: false,
    limits: { cpu_milli: 1500, memory_bytes: 2 * 1024 ** 3 },
    idle_stop_minutes: 0,
  });
});

test('problems are named by their field', () => {
  expect(problemsOf(emptyDraft('/r'))).toEqual({ numbers: [] });
  expect(problemsOf({ ...emptyDraft('/r'), isPrivate: true, cores: 'two', pids: '-1' })).toEqual({
    numbers: ['cores', 'pids'],
    password: true,
  });
});
