// One error for everything that can go wrong between the app and the API, so that every screen shows it alike.

/** The envelope of every API error: `{"error":"NOT_FOUND","message":"…","request_id":"…"}`. */
interface Envelope {
  error: string;
  message: string;
  details?: Record<string, unknown>;
  request_id?: string;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** HTTP status, or 0 when no answer came. */
    readonly status: number,
    /** Machine-readable code of the envelope; `NETWORK` when no answer came. */
    readonly code: string,
    message: string,
    readonly requestId?: string,
    readonly details?: Record<string, unknown>,
  ) {
    super(message);
  }
}

function isEnvelope(body: unknown): body is Envelope {
  return (
    typeof body === 'object' &&
    body !== null &&
    'error' in body &&
    typeof body.error === 'string' &&
    'message' in body &&
    typeof body.message === 'string'
  );
}

/** The error of an answer that is not 2xx. Proxies answer without our envelope; the status must do then. */
export function errorFromAnswer(
  status: number,
  statusText: string,
  body: unknown,
  requestId: string | null,
): ApiError {
  if (isEnvelope(body)) {
    return new ApiError(
      status,
      body.error,
      body.message,
      body.request_id ?? requestId ?? undefined,
      body.details,
    );
  }
  const message = `The server answered ${status}${statusText ? ` ${statusText}` : ''}.`;
  return new ApiError(status, `HTTP_${status}`, message, requestId ?? undefined);
}

/** The error of a request that got no answer at all. */
export function errorFromFailure(failure: unknown): ApiError {
  if (failure instanceof ApiError) return failure;
  const reason = failure instanceof Error ? failure.message : String(failure);
  return new ApiError(0, 'NETWORK', `The server did not answer (${reason}).`);
}
