import { useQuery, useQueryClient } from '@tanstack/react-query';
import { LogOut, Monitor, Moon, Sun } from 'lucide-react';
import type { ReactNode } from 'react';
import { Link, NavLink } from 'react-router';
import { session } from '../api/client.ts';
import { queries } from '../api/queries.ts';
import { may } from '../model/permissions.ts';
import { Button } from '../parts/button.tsx';
import { Mark } from './mark.tsx';
import { navigation } from './navigation.ts';
import { chooseTheme, useTheme, type Theme } from './theme.ts';
import { useWho } from './who.ts';
import styles from './sidebar.module.css';

/** The pages, who is signed in, and how the dashboard looks. */
export function Sidebar(): ReactNode {
  const who = useWho();
  const trouble = useTrouble();
  return (
    <div className={styles.sidebar}>
      <Link to="/" className={styles.brand}>
        <Mark />
        Signalbox
      </Link>
      <nav aria-label="Pages" className={styles.nav}>
        {navigation.map(({ label, items }) => {
          const offered = items.filter(({ permission }) => may(who, permission));
          if (offered.length === 0) return null;
          return (
            <div key={label ?? 'first'} className={styles.group}>
              {label && <p className={styles.label}>{label}</p>}
              <ul>
                {offered.map(({ to, label: name, icon: Icon }) => (
                  <li key={to}>
                    <NavLink to={to} end={to === '/'} className={styles.link ?? ''}>
                      <Icon size={17} strokeWidth={1.8} aria-hidden />
                      {name}
                      {(trouble[to] ?? 0) > 0 && (
                        <span className={`${styles.count} ${to === '/approvals' ? styles.open : ''}`}>
                          {(trouble[to] ?? 0) < 100 ? trouble[to] : '99+'}
                          <span className="visually-hidden"> {to === '/approvals' ? 'open' : 'need attention'}</span>
                        </span>
                      )}
                    </NavLink>
                  </li>
                ))}
              </ul>
            </div>
          );
        })}
      </nav>
      <div className={styles.foot}>
        <ThemeSwitch />
        <div className={styles.person}>
          <span className={styles.name} title={who.principal}>
            {who.name}
            <span className={styles.role}>{who.roles.join(', ')}</span>
          </span>
          <SignOut />
        </div>
      </div>
    </div>
  );
}

/** How many of each need a person, for the pages whose lists say so. */
function useTrouble(): Record<string, number> {
  const who = useWho();
  const servers = useQuery({ ...queries.mcpServers(), enabled: may(who, 'mcp-servers:read') });
  const agents = useQuery({ ...queries.agents(), enabled: may(who, 'agents:read') });
  const approvals = useQuery({ ...queries.openApprovals(), enabled: may(who, 'approvals:read') });
  return {
    '/approvals': approvals.data?.length ?? 0,
    '/mcp-servers': servers.data?.filter(({ status }) => status === 'failed' || status === 'degraded').length ?? 0,
    '/agents': agents.data?.filter(({ status }) => status === 'failed' || status === 'degraded').length ?? 0,
  };
}

const themes: readonly { theme: Theme; label: string; icon: typeof Sun }[] = [
  { theme: 'system', label: 'As the system', icon: Monitor },
  { theme: 'light', label: 'Light', icon: Sun },
  { theme: 'dark', label: 'Dark', icon: Moon },
];

function ThemeSwitch(): ReactNode {
  const current = useTheme();
  return (
    <fieldset className={styles.themes}>
      <legend className="visually-hidden">Colours</legend>
      {themes.map(({ theme, label, icon: Icon }) => (
        <label key={theme} className={styles.theme} title={label}>
          <input type="radio" name="theme" value={theme} checked={current === theme} onChange={() => chooseTheme(theme)} />
          <Icon size={15} aria-hidden />
          <span className="visually-hidden">{label}</span>
        </label>
      ))}
    </fieldset>
  );
}

function SignOut(): ReactNode {
  const client = useQueryClient();
  return (
    <Button
      kind="quiet"
      small
      aria-label="Sign out"
      onPress={() => {
        void session.signOut().finally(() => {
          client.clear();
          location.assign('/');
        });
      }}
    >
      <LogOut size={15} aria-hidden />
    </Button>
  );
}
