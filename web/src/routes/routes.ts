// Every page behind the sign-in, once: this table feeds the router, the navigation, the palette and the shortcuts.
import type { Component } from 'svelte';
import House from '@lucide/svelte/icons/house';
import KeyRound from '@lucide/svelte/icons/key-round';
import HeartPulse from '@lucide/svelte/icons/heart-pulse';
import MailPlus from '@lucide/svelte/icons/mail-plus';
import MonitorSmartphone from '@lucide/svelte/icons/monitor-smartphone';
import Server from '@lucide/svelte/icons/server';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import User from '@lucide/svelte/icons/user';
import Users from '@lucide/svelte/icons/users';
import type { Access } from '../session/access';
import { text } from '../strings';

export interface Route {
  path: string;
  title: string;
  access: Access;
  icon: Component<{ size?: number }>;
  /** Heading in the navigation; without one the page stands at the top. */
  group?: string;
  /** The keys that open it, pressed one after the other. */
  keys: string;
  keywords?: string;
  load: () => Promise<{ default: Component }>;
}

export const routes: readonly Route[] = [
  {
    path: '/',
    title: text.nav.home,
    access: 'user',
    icon: House,
    keys: 'g h',
    keywords: 'start overview dashboard workspaces',
    load: () => import('./home/HomePage.svelte'),
  },
  {
    path: '/nodes',
    title: text.nav.nodes,
    access: 'user',
    icon: Server,
    keys: 'g n',
    keywords: 'machines servers agents enrol join',
    load: () => import('./nodes/NodesPage.svelte'),
  },
  {
    path: '/settings/profile',
    title: text.nav.profile,
    access: 'user',
    icon: User,
    group: text.nav.settings,
    keys: 'g p',
    keywords: 'settings name email theme appearance',
    load: () => import('./settings/ProfilePage.svelte'),
  },
  {
    path: '/settings/sessions',
    title: text.nav.sessions,
    access: 'user',
    icon: MonitorSmartphone,
    group: text.nav.settings,
    keys: 'g s',
    keywords: 'settings devices browsers sign out',
    load: () => import('./settings/SessionsPage.svelte'),
  },
  {
    path: '/settings/tokens',
    title: text.nav.tokens,
    access: 'user',
    icon: KeyRound,
    group: text.nav.settings,
    keys: 'g t',
    keywords: 'settings bearer key curl script',
    load: () => import('./settings/TokensPage.svelte'),
  },
  {
    path: '/admin/users',
    title: text.nav.users,
    access: 'admin',
    icon: Users,
    group: text.nav.admin,
    keys: 'g u',
    keywords: 'admin people approve suspend role',
    load: () => import('./admin/UsersPage.svelte'),
  },
  {
    path: '/admin/invites',
    title: text.nav.invites,
    access: 'admin',
    icon: MailPlus,
    group: text.nav.admin,
    keys: 'g i',
    keywords: 'admin link join',
    load: () => import('./admin/InvitesPage.svelte'),
  },
  {
    path: '/admin/audit',
    title: text.nav.audit,
    access: 'superadmin',
    icon: ScrollText,
    group: text.nav.admin,
    keys: 'g a',
    keywords: 'admin log history',
    load: () => import('./admin/AuditPage.svelte'),
  },
  {
    path: '/admin/health',
    title: text.nav.health,
    access: 'admin',
    icon: HeartPulse,
    group: text.nav.admin,
    keys: 'g e',
    keywords: 'admin status queues dead letters jobs',
    load: () => import('./admin/HealthPage.svelte'),
  },
];

/** A page about one thing: `<prefix>/<id>` and everything below it. */
export interface PlaceRoute {
  prefix: string;
  /** The page in the navigation that it belongs to. */
  parent: string;
  title: string;
  access: Access;
  load: () => Promise<{ default: Component<PlaceProps> }>;
}

/** What such a page gets: the id, and the parts of the address after it. */
export interface PlaceProps {
  id: string;
  rest: string[];
}

export const placeRoutes: readonly PlaceRoute[] = [
  {
    prefix: '/workspaces',
    parent: '/',
    title: text.workspaces.title,
    access: 'user',
    load: () => import('./workspaces/WorkspacePage.svelte'),
  },
  {
    prefix: '/nodes',
    parent: '/nodes',
    title: text.nav.nodes,
    access: 'user',
    load: () => import('./nodes/NodePage.svelte'),
  },
];

/** Shorter addresses people may type. */
export const redirects: Readonly<Record<string, string>> = {
  '/settings': '/settings/profile',
  '/workspaces': '/',
  '/admin': '/admin/users',
};
