// xterm.js writes its colours into <style> elements, which our content security policy forbids. Stylesheets made by script
// are allowed, so while it builds its renderer the elements it makes write into such a sheet instead.

/** Runs `build`; what it writes into style elements works under `style-src 'self'`. */
export function withPolicy<T>(build: () => T): T {
  const create = document.createElement.bind(document);
  document.createElement = ((tag: string, options?: ElementCreationOptions): HTMLElement => {
    // Even an empty <style> is refused; a <template> is as invisible and holds no style of its own.
    return tag === 'style' ? adopting(create('template')) : create(tag, options);
  }) as typeof document.createElement;
  try {
    return build();
  } finally {
    Reflect.deleteProperty(document, 'createElement');
  }
}

/** The element stays empty; its text becomes a sheet of the document for as long as the element is there. */
function adopting(element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  let text = '';
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set: (css: string) => {
      text = css;
      sheet.replaceSync(css);
    },
  });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
