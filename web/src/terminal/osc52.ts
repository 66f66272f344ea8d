// OSC 52: a program asks to put text on the clipboard. Asking what is on it is never answered.

/** More than a screen of text is nothing that a program copies unasked. */
const TEXT_MAX = 256 * 1024;

/** The text that a program wants copied; `undefined` for a question, for nothing, or for what is no text. */
export function copied(data: string): string | undefined {
  const [, encoded] = /^[a-z0-9]*;(.*)$/is.exec(data) ?? [];
  if (!encoded || encoded === '?' || encoded.length > (TEXT_MAX * 4) / 3) return undefined;
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes) || undefined;
  } catch {
    return undefined;
  }
}
