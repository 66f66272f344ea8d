// Bytes of files in a workspace. The typed client knows JSON; these are streams with a size, an etag and progress.
import { fileUrl } from '../router/place';
import { ask } from './client';
import { errorFromFailure, type ApiError } from './errors';

export interface FileContent {
  bytes: Uint8Array<ArrayBuffer>;
  etag: string | undefined;
}

/** More than `limit` bytes: nothing was read beyond it. */
export interface TooLarge {
  tooLarge: true;
  /** Bytes, where the answer said so. */
  size: number | undefined;
}

/** Reads a file, but never more than `limit` bytes of it. */
export async function readFile(
  workspace: string,
  path: string,
  limit: number,
): Promise<FileContent | TooLarge> {
  const abort = new AbortController();
  const response = await ask<Response>(
    fetch(fileUrl(workspace, path), { credentials: 'same-origin', signal: abort.signal }).then(
      async (answer) =>
        answer.ok
          ? { data: answer, response: answer }
          : { error: await answer.json().catch(() => undefined), response: answer },
    ),
  );
  const stated = response.headers.get('content-length');
  const size = stated === null ? undefined : Number(stated);
  if (size !== undefined && size > limit) {
    abort.abort();
    return { tooLarge: true, size };
  }
  const bytes = await readUpTo(response, limit).catch((failure: unknown) => {
    throw errorFromFailure(failure);
  });
  if (!bytes) {
    abort.abort();
    return { tooLarge: true, size };
  }
  return { bytes, etag: response.headers.get('etag') ?? undefined };
}

async function readUpTo(response: Response, limit: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const reader = response.body?.getReader();
  if (!reader) return new Uint8Array();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > limit) return undefined;
    pieces.push(part.value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Whether a write was refused because the file is no longer the one that was read. */
export function isConflict(error: ApiError): boolean {
  return error.status === 412 || error.status === 409;
}

export interface Write {
  /** Only over the version that this names. */
  etag?: string | undefined;
  /** 0 to 1. `fetch` cannot say how far an upload is, so this is an `XMLHttpRequest`. */
  progress?: (share: number) => void;
}

export function writeFile(workspace: string, path: string, body: Blob, options: Write = {}): Promise<void> {
  const answered = new Promise<{ error?: unknown; response: Response }>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', fileUrl(workspace, path));
    request.setRequestHeader('content-type', 'application/octet-stream');
    if (options.etag) request.setRequestHeader('if-match', options.etag);
    request.upload.onprogress = ({ loaded, total }) => {
      if (total > 0) options.progress?.(loaded / total);
    };
    request.onerror = () => reject(new Error('the connection broke'));
    request.onload = () => {
      const id = request.getResponseHeader('x-request-id');
      const response = new Response(null, {
        status: request.status,
        statusText: request.statusText,
        headers: id ? { 'x-request-id': id } : {},
      });
      resolve({ error: parse(request.responseText), response });
    };
    request.send(body);
  });
  return ask<void>(answered as Promise<{ data?: void; error?: unknown; response: Response }>);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
