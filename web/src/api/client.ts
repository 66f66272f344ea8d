// The typed client. Paths and bodies are checked against the OpenAPI document of the control plane.
import createClient from 'openapi-fetch';
import { errorFromAnswer, errorFromFailure } from './errors';
import type { paths } from './schema.gen';

export const api = createClient<paths>({ baseUrl: '', credentials: 'same-origin' });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

type SignedOutListener = () => void;
let signedOut: SignedOutListener = () => {};

/** Called whenever an answer says that the session has ended. The session owns what happens then. */
export function onSignedOut(listener: SignedOutListener): void {
  signedOut = listener;
}

/** The data of an answer, or an `ApiError`. Every call of `api` goes through here. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (failure) {
    throw errorFromFailure(failure);
  }
  const { data, error, response } = answer;
  if (response.ok) return data as T;
  // A refused login link says nothing about the session that this browser may already have.
  if (response.status === 401 && !response.url.endsWith('/api/auth/login')) signedOut();
  throw errorFromAnswer(response.status, response.statusText, error, response.headers.get('x-request-id'));
}
