import { expect, test } from 'vitest';
import { ApiError, errorFromAnswer, errorFromFailure } from './errors';

const answers: [string, Parameters<typeof errorFromAnswer>, Partial<ApiError>][] = [
  [
    'envelope with request id',
    [404, 'Not Found', { error: 'NOT_FOUND', message: 'No such session.', request_id: 'r1' }, 'r2'],
    { status: 404, code: 'NOT_FOUND', message: 'No such session.', requestId: 'r1' },
  ],
  [
    'request id only in the header',
    [429, '', { error: 'RATE_LIMITED', message: 'Wait 30 s.', details: { retry_after_s: 30 } }, 'r2'],
    { status: 429, code: 'RATE_LIMITED', requestId: 'r2', details: { retry_after_s: 30 } },
  ],
  [
    'a proxy without envelope',
    [502, 'Bad Gateway', '<html>', null],
    { status: 502, code: 'HTTP_502', message: 'The server answered 502 Bad Gateway.' },
  ],
  [
    'an envelope of another shape',
    [500, '', { error: 7 }, null],
    { code: 'HTTP_500', message: 'The server answered 500.' },
  ],
  ['no body', [503, '', undefined, 'r3'], { code: 'HTTP_503', requestId: 'r3' }],
];

test.each(answers)('answer: %s', (_, input, expected) => {
  expect(errorFromAnswer(...input)).toMatchObject(expected);
});

test('a failed fetch becomes NETWORK with its reason', () => {
  expect(errorFromFailure(new TypeError('Failed to fetch'))).toMatchObject({
    status: 0,
    code: 'NETWORK',
    message: 'The server did not answer (Failed to fetch).',
  });
});

test('an ApiError passes unchanged', () => {
  const error = new ApiError(401, 'UNAUTHENTICATED', 'Sign in.');
  expect(errorFromFailure(error)).toBe(error);
});
