// Paths below the working copy: relative, with `/`, empty for its root.

export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

export function parent(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut < 0 ? '' : path.slice(0, cut);
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Every folder on the way, with its path: `a/b` is root, a, b. */
export function crumbs(path: string): { name: string; path: string }[] {
  const parts = path.split('/').filter((part) => part !== '');
  return parts.map((name, index) => ({ name, path: parts.slice(0, index + 1).join('/') }));
}

/** Whether a name can be that of one entry. */
export function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

/** Whether a path stays inside the working copy. */
export function isInside(path: string): boolean {
  return path !== '' && path.split('/').every(isName);
}

const PICTURES = /\.(png|jpe?g|gif|webp|avif|bmp|ico)$/i;

/** Whether the browser can show it as a picture. SVG is text here: it may carry scripts. */
export function isPicture(path: string): boolean {
  return PICTURES.test(path);
}

/** The text of a file; `undefined` when it is none. */
export function asText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** How many lines an editor shows for it. */
export function lineCount(text: string): number {
  let count = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return text.endsWith('\n') ? count - 1 : count;
}
