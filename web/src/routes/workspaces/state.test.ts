import { expect, test } from 'vitest';
import { repositoryName } from './state';

test.each([
  ['https://github.com/acme/rocket.git', 'acme/rocket'],
  ['https://user@git.example.org:8443/a/b/c', 'b/c'],
  ['git@github.com:acme/rocket.git', 'acme/rocket'],
  ['ssh://git@host/acme/rocket/', 'acme/rocket'],
  ['/srv/repos/rocket.git', 'rocket'],
  ['/srv/repos/rocket/', 'rocket'],
  ['file:///srv/repos/rocket', 'repos/rocket'],
  ['rocket', 'rocket'],
  ['/', '/'],
])('repositoryName(%j) = %j', (repository, expected) => {
  expect(repositoryName(repository)).toBe(expected);
});
