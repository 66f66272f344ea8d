/** One event of the account's log, as far as the app reads it. Unknown kinds are passed on: someone may know them. */
export interface LiveEvent {
  kind: string;
  /** Id of the thing that changed, when the event names one. */
  id: string | undefined;
}

/** The event in an SSE data line; `undefined` for anything else, such as a keep-alive. */
export function parseFrame(data: string): LiveEvent | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (typeof frame !== 'object' || frame === null) return undefined;
  if (!('kind' in frame) || typeof frame.kind !== 'string') return undefined;
  return { kind: frame.kind, id: 'id' in frame && typeof frame.id === 'string' ? frame.id : undefined };
}
