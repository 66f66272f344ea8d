// Which commands match what was typed, best first. Pure, so that its ranking is tested as a table.

export interface Searchable {
  label: string;
  /** Other words a user may type for it. */
  keywords?: string;
}

/** Higher is better; `undefined` is no match. Every typed word must match. */
function score(command: Searchable, words: string[]): number | undefined {
  const label = command.label.toLowerCase();
  const haystack = `${label} ${command.keywords?.toLowerCase() ?? ''}`;
  let total = 0;
  for (const word of words) {
    if (label.startsWith(word)) total += 4;
    else if (label.includes(` ${word}`)) total += 3;
    else if (haystack.includes(` ${word}`)) total += 2;
    else if (haystack.includes(word)) total += 1;
    else if (isInitials(word, label)) total += 2;
    else return undefined;
  }
  return total;
}

/** `gau` matches `Go to Audit`: letters of the label in order, the first of each at a word's start or next to the last. */
function isInitials(word: string, label: string): boolean {
  let from = 0;
  let previous = -2;
  for (const letter of word) {
    let at = label.indexOf(letter, from);
    while (at !== -1 && at !== previous + 1 && at !== 0 && label[at - 1] !== ' ') {
      at = label.indexOf(letter, at + 1);
    }
    if (at === -1) return false;
    previous = at;
    from = at + 1;
  }
  return true;
}

/** The matching commands; the given order decides between equals. */
export function filterCommands<T extends Searchable>(commands: T[], typed: string): T[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return commands;
  return commands
    .map((command, index) => ({ command, index, score: score(command, words) }))
    .filter((match): match is typeof match & { score: number } => match.score !== undefined)
    .sort((a, b) => b.score - a.score || a.index - b.index)
    .map((match) => match.command);
}
