import { expect, test } from 'vitest';
import { filterCommands } from './filter';

const commands = [
  { label: 'Go to Home' },
  { label: 'Go to API tokens', keywords: 'bearer key' },
  { label: 'Go to Audit', keywords: 'log history' },
  { label: 'Use dark theme', keywords: 'appearance night' },
  { label: 'Sign out' },
  { label: 'Invite a user' },
];

test.each([
  ['', ['Go to Home', 'Go to API tokens', 'Go to Audit', 'Use dark theme', 'Sign out', 'Invite a user']],
  ['   ', ['Go to Home', 'Go to API tokens', 'Go to Audit', 'Use dark theme', 'Sign out', 'Invite a user']],
  ['sign', ['Sign out']],
  ['AUDIT', ['Go to Audit']],
  ['night', ['Use dark theme']],
  ['key', ['Go to API tokens']],
  ['gta', ['Go to API tokens', 'Go to Audit']],
  ['gtau', ['Go to Audit']],
  ['theme dark', ['Use dark theme']],
  // A match at a word's start ranks above one inside a word.
  ['us', ['Use dark theme', 'Invite a user']],
  ['zzz', []],
])('filter %j', (typed, expected) => {
  expect(filterCommands(commands, typed).map((command) => command.label)).toEqual(expected);
});
