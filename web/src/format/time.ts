// Times are epoch milliseconds on the wire and shown in the browser's zone.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `just now`, `5 min ago`, `in 3 days`; a plain date beyond 30 days. */
export function relativeTime(at: number, now: number): string {
  const distance = Math.abs(at - now);
  const phrase = (amount: string): string => (at > now ? `in ${amount}` : `${amount} ago`);
  if (distance < MINUTE_MS) return at > now ? 'in a moment' : 'just now';
  if (distance < HOUR_MS) return phrase(`${Math.floor(distance / MINUTE_MS)} min`);
  if (distance < DAY_MS) return phrase(`${Math.floor(distance / HOUR_MS)} h`);
  if (distance < 30 * DAY_MS) {
    const days = Math.floor(distance / DAY_MS);
    return phrase(days === 1 ? '1 day' : `${days} days`);
  }
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).format(at);
}

/** The full date and time, with seconds and zone, for tooltips. */
export function exactTime(at: number): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'long' }).format(at);
}

/** A length of time in its two largest units: `3.2 s`, `4 min 10 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${(ms / 1000).toFixed(1)} s`;
  const [large, largeUnit, smallMs, smallUnit]: [number, string, number, string] =
    ms < HOUR_MS
      ? [MINUTE_MS, 'min', 1000, 's']
      : ms < DAY_MS
        ? [HOUR_MS, 'h', MINUTE_MS, 'min']
        : [DAY_MS, 'd', HOUR_MS, 'h'];
  const rest = Math.floor((ms % large) / smallMs);
  const whole = `${Math.floor(ms / large)} ${largeUnit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallUnit}`;
}

/** What is left until `at`, for a countdown: `14:03`, `1:02:09`; `0:00` once it has passed. */
export function countdown(at: number, now: number): string {
  const left = Math.max(0, Math.ceil((at - now) / 1000));
  const two = (part: number): string => String(part).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}
