// Pauses between attempts: full jitter, so that a thousand terminals do not come back in the same moment.

const FIRST_MS = 400;
const LONGEST_MS = 15_000;
/** A socket that opens and ends at once must not be opened in a tight loop. */
const SHORTEST_MS = 50;

/** How long to wait before attempt `attempt` (the first is 0); `random` is in [0, 1). */
export function pauseMs(attempt: number, random: number): number {
  const ceiling = Math.min(FIRST_MS * 2 ** attempt, LONGEST_MS);
  return Math.round(SHORTEST_MS + random * (ceiling - SHORTEST_MS));
}
