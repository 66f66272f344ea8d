// A clock of seconds, for what is being watched. It runs only while something shows it.

import { createSubscriber } from 'svelte/reactivity';

const TICK_MS = 1_000;

const tick = createSubscriber((update) => {
  const timer = setInterval(update, TICK_MS);
  return () => clearInterval(timer);
});

/** The time now; whoever reads it in a template or effect is updated each second. */
export function secondsNow(): number {
  tick();
  return Date.now();
}
