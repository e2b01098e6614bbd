import { useEffect, useRef, type ReactNode } from 'react';
import { Link, useSearchParams } from 'react-router';
import styles from './tabs.module.css';

export interface Tab {
  /** What the address says; the first tab's is not written. */
  id: string;
  label: string;
  count?: number | undefined;
}

/** The views of an object as links: each has its address, in `view`. */
export function Tabs({ tabs, label }: { tabs: readonly Tab[]; label: string }): ReactNode {
  const [search] = useSearchParams();
  const current = useTab(tabs);
  const nav = useRef<HTMLElement>(null);
  // On a phone the current one may be beyond the edge. Newer browsers answer with a promise, which is no clean-up.
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current]);
  return (
    <nav ref={nav} className={styles.tabs} aria-label={label}>
      {tabs.map((tab, i) => {
        const to = new URLSearchParams(search);
        if (i === 0) to.delete('view');
        else to.set('view', tab.id);
        return (
          <Link
            key={tab.id}
            to={{ search: to.toString() }}
            replace
            className={styles.tab}
            {...(tab.id === current && { 'aria-current': 'page' })}
          >
            {tab.label}
            {tab.count !== undefined && <span className={styles.count}>{tab.count}</span>}
          </Link>
        );
      })}
    </nav>
  );
}

/** The view that the address names, else the first. */
export function useTab(tabs: readonly Tab[]): string {
  const [search] = useSearchParams();
  const asked = search.get('view');
  return tabs.find(({ id }) => id === asked)?.id ?? tabs[0]?.id ?? '';
}
