// The terminal frames of `contract::terminal`, whose module text is the reference. Bytes in, values out; nothing here waits or keeps.
import { ErrorCode, Kind, LATEST } from './frames.gen';

export interface Size {
  cols: number;
  rows: number;
}

export type ClientFrame =
  /** `from` is the first byte wanted, or `latest` for what comes from now on. */
  | { kind: 'hello'; viewer: Uint8Array; from: number | 'latest'; size: Size }
  | { kind: 'input'; offset: number; bytes: Uint8Array }
  | { kind: 'resize'; size: Size }
  | { kind: 'ack'; offset: number }
  | { kind: 'ping'; token: number };

export type ErrorName = keyof typeof ErrorCode;

export type ServerFrame =
  | { kind: 'welcome'; start: number; end: number; inputOffset: number; size: Size; readOnly: boolean }
  | { kind: 'output'; offset: number; bytes: Uint8Array }
  | { kind: 'gap'; from: number; to: number }
  | { kind: 'input-ack'; offset: number }
  | { kind: 'size'; size: Size }
  | { kind: 'exit'; signal: boolean; value: number }
  | { kind: 'lost' }
  | { kind: 'pong'; token: number }
  /** `name` is missing for a code that this version does not know. */
  | { kind: 'error'; name: ErrorName | undefined; message: string };

export const VIEWER_BYTES = 16;

/** The bytes of a frame. */
export function encode(frame: ClientFrame): Uint8Array<ArrayBuffer> {
  switch (frame.kind) {
    case 'hello': {
      const { message, view } = blank(Kind.HELLO, VIEWER_BYTES + 12);
      message.set(frame.viewer, 1);
      view.setBigUint64(17, frame.from === 'latest' ? LATEST : BigInt(frame.from));
      putSize(view, 25, frame.size);
      return message;
    }
    case 'input': {
      const { message, view } = blank(Kind.INPUT, 8 + frame.bytes.length);
      view.setBigUint64(1, BigInt(frame.offset));
      message.set(frame.bytes, 9);
      return message;
    }
    case 'resize': {
      const { message, view } = blank(Kind.RESIZE, 4);
      putSize(view, 1, frame.size);
      return message;
    }
    case 'ack':
      return number(Kind.ACK, frame.offset);
    case 'ping':
      return number(Kind.PING, frame.token);
  }
}

/** The frame in a message; `undefined` when it is none: the layout belongs to the subprotocol, so that is a fault. */
export function decode(message: ArrayBuffer): ServerFrame | undefined {
  const view = new DataView(message);
  if (view.byteLength === 0) return undefined;
  const u64 = (at: number): number => Number(view.getBigUint64(at));
  const size = (at: number): Size => ({ cols: view.getUint16(at), rows: view.getUint16(at + 2) });
  const has = (length: number): boolean => view.byteLength === length;
  switch (view.getUint8(0)) {
    case Kind.WELCOME:
      if (!has(30)) return undefined;
      return {
        kind: 'welcome',
        start: u64(1),
        end: u64(9),
        inputOffset: u64(17),
        size: size(25),
        readOnly: (view.getUint8(29) & 1) === 1,
      };
    case Kind.OUTPUT:
      if (view.byteLength < 10) return undefined;
      return { kind: 'output', offset: u64(1), bytes: new Uint8Array(message, 9) };
    case Kind.GAP:
      return has(17) ? { kind: 'gap', from: u64(1), to: u64(9) } : undefined;
    case Kind.INPUT_ACK:
      return has(9) ? { kind: 'input-ack', offset: u64(1) } : undefined;
    case Kind.SIZE:
      return has(5) ? { kind: 'size', size: size(1) } : undefined;
    case Kind.EXIT:
      if (!has(6)) return undefined;
      return { kind: 'exit', signal: view.getUint8(1) === 1, value: view.getUint32(2) };
    case Kind.LOST:
      return has(1) ? { kind: 'lost' } : undefined;
    case Kind.PONG:
      return has(9) ? { kind: 'pong', token: u64(1) } : undefined;
    case Kind.ERROR:
      if (view.byteLength < 3) return undefined;
      return {
        kind: 'error',
        name: errorName(view.getUint16(1)),
        message: new TextDecoder().decode(new Uint8Array(message, 3)),
      };
    default:
      return undefined;
  }
}

function blank(kind: number, length: number): { message: Uint8Array<ArrayBuffer>; view: DataView } {
  const message = new Uint8Array(1 + length);
  const view = new DataView(message.buffer);
  view.setUint8(0, kind);
  return { message, view };
}

function number(kind: number, value: number): Uint8Array<ArrayBuffer> {
  const { message, view } = blank(kind, 8);
  view.setBigUint64(1, BigInt(value));
  return message;
}

function putSize(view: DataView, at: number, size: Size): void {
  view.setUint16(at, size.cols);
  view.setUint16(at + 2, size.rows);
}

function errorName(code: number): ErrorName | undefined {
  return (Object.keys(ErrorCode) as ErrorName[]).find((name) => ErrorCode[name] === code);
}
