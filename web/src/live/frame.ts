/** One event of the account's log, as far as the app reads it. Unknown kinds are passed on: someone may know them. */
export interface LiveEvent {
  kind: string;
  /** Whom a `user.*` event is about. */
  userId: string | undefined;
  /** Which node a `node.*` event is about. */
  nodeId: string | undefined;
  /** Which workspace a `workspace.*` event is about. */
  workspaceId: string | undefined;
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
  const payload = field(frame, 'payload');
  const id = (name: string): string | undefined => {
    const value = field(payload, name);
    return typeof value === 'string' ? value : undefined;
  };
  return { kind, userId: id('user_id'), nodeId: id('node_id'), workspaceId: id('workspace_id') };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
