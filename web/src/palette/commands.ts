import type { Component } from 'svelte';
import Keyboard from '@lucide/svelte/icons/keyboard';
import KeyRound from '@lucide/svelte/icons/key-round';
import LogOut from '@lucide/svelte/icons/log-out';
import ServerCog from '@lucide/svelte/icons/server-cog';
import SquarePlus from '@lucide/svelte/icons/square-plus';
import MailPlus from '@lucide/svelte/icons/mail-plus';
import SunMoon from '@lucide/svelte/icons/sun-moon';
import { toasts } from '../components/toasts.svelte';
import { navigate } from '../router/location.svelte';
import { routes } from '../routes/routes';
import type { Role } from '../api/model';
import { mayOpen } from '../session/access';
import { session } from '../session/session.svelte';
import { text } from '../strings';
import { THEMES, theme } from '../theme/theme.svelte';
import type { Searchable } from './filter';

export interface Command extends Searchable {
  icon: Component<{ size?: number }>;
  keys?: string;
  run: () => void;
}

/** Everything the palette offers to someone of this role: pages first, then actions. */
export function commandsFor(role: Role, showShortcuts: () => void): Command[] {
  const pages: Command[] = routes
    .filter((route) => mayOpen(role, route.access))
    .map((route) => ({
      label: text.palette.goTo(route.title),
      keywords: route.keywords ?? '',
      icon: route.icon,
      keys: route.keys,
      run: () => navigate(route.path),
    }));
  const actions: Command[] = [
    {
      label: text.workspaces.create,
      keywords: 'create repository clone project',
      icon: SquarePlus,
      keys: 'c w',
      run: () => navigate('/?new=1'),
    },
    {
      label: text.nodes.createTitle,
      keywords: 'machine server enrol join',
      icon: ServerCog,
      keys: 'c n',
      run: () => navigate('/nodes?new=1'),
    },
    {
      label: text.tokens.createTitle,
      keywords: 'create bearer key',
      icon: KeyRound,
      run: () => navigate('/settings/tokens?new=1'),
    },
    ...THEMES.map((name) => ({
      label: text.theme.use(text.theme[name].toLowerCase()),
      keywords: 'appearance colour mode',
      icon: SunMoon,
      run: () => theme.set(name),
    })),
    { label: text.shortcuts.show, keywords: 'help keys', icon: Keyboard, keys: '?', run: showShortcuts },
    {
      label: text.action.signOut,
      keywords: 'log out leave',
      icon: LogOut,
      run: () => void session.signOut().catch((failure: unknown) => toasts.fail(failure)),
    },
  ];
  if (mayOpen(role, 'admin')) {
    actions.unshift({
      label: text.invites.createTitle,
      keywords: 'new user link',
      icon: MailPlus,
      run: () => navigate('/admin/invites?new=1'),
    });
  }
  return [...pages, ...actions];
}
