// The browser's address as reactive state, and the only two ways to change it: a link and `navigate`.

class Location {
  url = $state.raw(new URL(window.location.href));

  readonly #read = (): void => {
    this.url = new URL(window.location.href);
  };

  /** Starts following the address: back and forward, and clicks on links of this site. */
  listen(): () => void {
    window.addEventListener('popstate', this.#read);
    document.addEventListener('click', this.#followLink);
    return () => {
      window.removeEventListener('popstate', this.#read);
      document.removeEventListener('click', this.#followLink);
    };
  }

  navigate = (to: string, options: { replace?: boolean } = {}): void => {
    if (options.replace) window.history.replaceState(null, '', to);
    else window.history.pushState(null, '', to);
    this.#read();
  };

  // Links are plain <a href>; clicks that ask for a new tab or a download stay the browser's.
  readonly #followLink = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
    if (!(link instanceof HTMLAnchorElement) || link.target !== '' || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== window.location.origin || url.pathname.startsWith('/api/')) return;
    if (url.hash !== '' && url.pathname === this.url.pathname) return;
    event.preventDefault();
    this.navigate(url.pathname + url.search + url.hash);
  };
}

export const location = new Location();
export const navigate = location.navigate;
