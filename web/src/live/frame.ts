/** One event of the account's log, as far as the app reads it. Unknown kinds are passed on: someone may know them. */
export interface LiveEvent {
  kind: string;
  /** Whom a `user.*` event is about. */
  userId: string | undefined;
}

/** The event in an SSE data line; `undefined` for anything else, such as a keep-alive. */
export function parseFrame(data: string): LiveEvent | undefined {
  let frame: unknown;
  try {
    frame = JSON.parse(data);
  } catch {
    return undefined;
  }
  const kind = field(frame, 'kind');
  if (typeof kind !== 'string') return undefined;
  const userId = field(field(frame, 'payload'), 'user_id');
  return { kind, userId: typeof userId === 'string' ? userId : undefined };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
