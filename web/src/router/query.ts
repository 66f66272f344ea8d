// State in the URL: pure functions over paths and query strings.

/** `/admin/users/` and `/admin/users` are one page. */
export function normalisePath(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' ? '/' : trimmed;
}

/** The path with these query parameters changed; an empty or missing value removes its parameter. */
export function withQuery(url: URL, changes: Record<string, string | undefined>): string {
  const query = new URLSearchParams(url.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  const search = query.toString();
  return search === '' ? url.pathname : `${url.pathname}?${search}`;
}

/** Where to go after sign-in. Only a path of this site is accepted: `?next=` may come from anyone. */
export function safeNext(next: string | null, origin: string): string {
  if (next === null || !next.startsWith('/')) return '/';
  try {
    const url = new URL(next, origin);
    if (url.origin !== origin || normalisePath(url.pathname) === '/login') return '/';
    return url.pathname + url.search;
  } catch {
    return '/';
  }
}

/** The login page, remembering where the user wanted to go. */
export function loginPath(from: URL): string {
  const next = safeNext(from.pathname + from.search, from.origin);
  return next === '/' ? '/login' : `/login?${new URLSearchParams({ next }).toString()}`;
}
