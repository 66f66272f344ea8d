import { expect, test } from 'vitest';
import { arrow, shortcutOf, withControl } from './keys';

test.each([
  ['c', '\x03'],
  ['C', '\x03'],
  ['[', '\x1b'],
  ['_', '\x1f'],
  [' ', '\x00'],
  ['?', '\x7f'],
  ['1', '1'],
  ['é', 'é'],
  ['\r', '\r'],
  ['paste', 'paste'],
])('withControl(%j) = %j', (typed, expected) => {
  expect(withControl(typed)).toBe(expected);
});

test('arrows follow the mode of the program', () => {
  expect(arrow('up', false)).toBe('\x1b[A');
  expect(arrow('left', true)).toBe('\x1bOD');
});

const none = { code: '', ctrlKey: false, shiftKey: false, altKey: false, metaKey: false };
const both = { ...none, ctrlKey: true, shiftKey: true };

test.each([
  [{ ...both, key: 'C' }, false, 'copy'],
  [{ ...both, key: 'V' }, false, 'paste'],
  [{ ...both, key: 'F' }, false, 'search'],
  [{ ...both, key: 'K' }, false, 'app'],
  [{ ...both, key: '+', code: 'Equal' }, false, 'larger'],
  [{ ...both, key: '_', code: 'Minus' }, false, 'smaller'],
  [{ ...both, key: 'ArrowUp', code: 'ArrowUp' }, false, 'leave'],
  // The shell's own: Ctrl-C, Ctrl-K, Ctrl-Alt-anything.
  [{ ...none, ctrlKey: true, key: 'c' }, false, undefined],
  [{ ...none, ctrlKey: true, key: 'k' }, false, undefined],
  [{ ...both, altKey: true, key: 'C' }, false, undefined],
  [{ ...none, metaKey: true, key: 'c' }, false, undefined],
  [{ ...none, metaKey: true, key: 'c' }, true, 'copy'],
  [{ ...none, metaKey: true, key: 'k' }, true, undefined],
])('shortcutOf(%j, mac: %j) = %j', (press, isMac, expected) => {
  expect(shortcutOf(press, isMac)).toBe(expected);
});
