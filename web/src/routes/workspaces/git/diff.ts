// A unified diff as lines with their numbers. Pure text in, rows out.

export type DiffLine =
  | { kind: 'hunk'; text: string }
  | { kind: 'context'; old: number; new: number; text: string }
  | { kind: 'added'; new: number; text: string }
  | { kind: 'removed'; old: number; text: string }
  /** “No newline at end of file”. */
  | { kind: 'note'; text: string };

export interface Diff {
  lines: DiffLine[];
  added: number;
  removed: number;
  isBinary: boolean;
  /** There is more than is shown. */
  cut: boolean;
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/;

/** Reads a diff of one file; of several, their hunks follow each other. At most `linesMax` lines are kept. */
export function parseDiff(text: string, linesMax = 5_000): Diff {
  const diff: Diff = { lines: [], added: 0, removed: 0, isBinary: false, cut: false };
  // How many lines of each side the hunk still has: inside, a line that looks like a header is content.
  let left = { old: 0, new: 0 };
  let at = { old: 0, new: 0 };
  const rows = text.split('\n');
  if (rows.at(-1) === '') rows.pop();
  for (const row of rows) {
    if (diff.lines.length >= linesMax) {
      diff.cut = true;
      break;
    }
    const mark = row[0] ?? ' ';
    const rest = row.slice(1);
    if (left.old > 0 || left.new > 0) {
      if (mark === '+') {
        diff.lines.push({ kind: 'added', new: at.new++, text: rest });
        diff.added += 1;
        left.new -= 1;
      } else if (mark === '-') {
        diff.lines.push({ kind: 'removed', old: at.old++, text: rest });
        diff.removed += 1;
        left.old -= 1;
      } else if (mark === '\\') {
        diff.lines.push({ kind: 'note', text: rest.trim() });
      } else {
        diff.lines.push({ kind: 'context', old: at.old++, new: at.new++, text: rest });
        left = { old: left.old - 1, new: left.new - 1 };
      }
      continue;
    }
    const hunk = HUNK.exec(row);
    if (hunk) {
      const [, oldStart, oldCount = '1', newStart, newCount = '1', context = ''] = hunk;
      at = { old: Number(oldStart), new: Number(newStart) };
      left = { old: Number(oldCount), new: Number(newCount) };
      diff.lines.push({ kind: 'hunk', text: context.trim() });
    } else if (mark === '\\') {
      diff.lines.push({ kind: 'note', text: rest.trim() });
    } else if (row.startsWith('Binary files ') || row.startsWith('GIT binary patch')) {
      diff.isBinary = true;
    }
  }
  return diff;
}
