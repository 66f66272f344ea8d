// Generated from contract::terminal by `cargo xtask gen`; its module text is the reference of the layout.

export const SUBPROTOCOL = 'sam.terminal.v1';
export const TICKET_PREFIX = 'ticket.';
export const LATEST = 18446744073709551615n;
export const WINDOW_BYTES = 262144;
export const ACK_EVERY_BYTES = 65536;
export const INPUT_WINDOW_BYTES = 65536;
export const CHUNK_BYTES_MAX = 65536;
export const SIZE_MAX = 2000;

export const Kind = {
  HELLO: 1,
  INPUT: 2,
  RESIZE: 3,
  ACK: 4,
  PING: 5,
  WELCOME: 129,
  OUTPUT: 130,
  GAP: 131,
  INPUT_ACK: 132,
  SIZE: 133,
  EXIT: 134,
  LOST: 135,
  PONG: 136,
  ERROR: 137,
} as const;

export const ErrorCode = {
  PROTOCOL: 1,
  NOT_FOUND: 2,
  READ_ONLY: 3,
  INPUT_GAP: 4,
  INPUT_WINDOW: 5,
  REPLACED: 6,
  UNAVAILABLE: 7,
  TOO_MANY: 8,
} as const;
