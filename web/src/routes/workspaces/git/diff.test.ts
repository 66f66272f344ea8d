import { expect, test } from 'vitest';
import { parseDiff } from './diff';

const CHANGE = `diff --git a/src/main.rs b/src/main.rs
index 83db48f..bf2a1c0 100644
--- a/src/main.rs
+++ b/src/main.rs
@@ -1,4 +1,5 @@ fn main() {
 one
-two
+TWO
+two and a half
 three
 
@@ -20 +21 @@
---- looks like a header
++++ so does this
\\ No newline at end of file
`;

test('lines carry the numbers of their side', () => {
  expect(parseDiff(CHANGE)).toEqual({
    lines: [
      { kind: 'hunk', text: 'fn main() {' },
      { kind: 'context', old: 1, new: 1, text: 'one' },
      { kind: 'removed', old: 2, text: 'two' },
      { kind: 'added', new: 2, text: 'TWO' },
      { kind: 'added', new: 3, text: 'two and a half' },
      { kind: 'context', old: 3, new: 4, text: 'three' },
      { kind: 'context', old: 4, new: 5, text: '' },
      { kind: 'hunk', text: '' },
      { kind: 'removed', old: 20, text: '--- looks like a header' },
      { kind: 'added', new: 21, text: '+++ so does this' },
      { kind: 'note', text: 'No newline at end of file' },
    ],
    added: 3,
    removed: 2,
    isBinary: false,
    cut: false,
  });
});

test.each([
  ['', { lines: [], isBinary: false }],
  [
    'diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n',
    { added: 2 },
  ],
  ['diff --git a/x b/x\nBinary files a/x and b/x differ\n', { isBinary: true, lines: [] }],
  ['diff --git a/x b/x\nold mode 100644\nnew mode 100755\n', { lines: [], isBinary: false }],
  // An empty context line whose space was stripped on the way.
  ['@@ -1,2 +1,2 @@\n\n-a\n+b\n', { added: 1, removed: 1 }],
])('parseDiff(%j)', (text, expected) => {
  expect(parseDiff(text)).toMatchObject(expected);
});

test('a long change is cut, and says so', () => {
  const long = `@@ -0,0 +1,9 @@\n${'+x\n'.repeat(9)}`;
  expect(parseDiff(long, 5)).toMatchObject({ cut: true, lines: { length: 5 } });
  expect(parseDiff(long, 10)).toMatchObject({ cut: false, added: 9 });
});
