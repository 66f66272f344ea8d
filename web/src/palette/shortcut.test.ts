import { expect, test } from 'vitest';
import { press, SEQUENCE_MS, type Typed } from './shortcut';

const shortcuts = [{ keys: 'g h' }, { keys: 'g a' }, { keys: '?' }];

/** Presses keys with a pause before each; says which shortcuts ran. */
function type(...keys: [key: string, pauseMs: number][]): string[] {
  let typed: Typed | undefined;
  let now = 0;
  const ran: string[] = [];
  for (const [key, pauseMs] of keys) {
    now += pauseMs;
    const step = press(shortcuts, typed, key, now);
    typed = step.typed;
    if (step.run) ran.push(step.run.keys);
  }
  return ran;
}

test.each<[string, [string, number][], string[]]>([
  ['one key', [['?', 0]], ['?']],
  [
    'a sequence',
    [
      ['g', 0],
      ['h', 200],
    ],
    ['g h'],
  ],
  [
    'too slow',
    [
      ['g', 0],
      ['h', SEQUENCE_MS + 1],
    ],
    [],
  ],
  [
    'unknown keys',
    [
      ['x', 0],
      ['h', 10],
    ],
    [],
  ],
  [
    'a wrong second key forgets the first',
    [
      ['g', 0],
      ['x', 10],
      ['h', 10],
    ],
    [],
  ],
  [
    'a wrong second key may be a shortcut itself',
    [
      ['g', 0],
      ['?', 10],
    ],
    ['?'],
  ],
  [
    'g twice starts over',
    [
      ['g', 0],
      ['g', 10],
      ['a', 10],
    ],
    ['g a'],
  ],
  [
    'two in a row',
    [
      ['g', 0],
      ['h', 10],
      ['g', 10],
      ['a', 10],
    ],
    ['g h', 'g a'],
  ],
])('%s', (_, keys, expected) => {
  expect(type(...keys)).toEqual(expected);
});
