// The colour theme: system, light or dark, kept per browser. `public/theme.js` applies it before the first paint.

export const THEMES = ['system', 'light', 'dark'] as const;
export type ThemeName = (typeof THEMES)[number];

const KEY = 'sam.theme';

function stored(): ThemeName {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : 'system';
  } catch {
    return 'system';
  }
}

class Theme {
  name = $state<ThemeName>(stored());

  set(name: ThemeName): void {
    this.name = name;
    if (name === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = name;
    try {
      if (name === 'system') localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, name);
    } catch {
      // Blocked storage: the choice lasts until the page is reloaded.
    }
  }
}

export const theme = new Theme();
