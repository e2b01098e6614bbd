import { useQuery } from '@tanstack/react-query';
import { Menu, Search } from 'lucide-react';
import { lazy, Suspense, useEffect, useState, type ReactNode } from 'react';
import { Link, Outlet, useLocation } from 'react-router';
import { queries } from '../api/queries.ts';
import { Button } from '../parts/button.tsx';
import { LampSign } from '../parts/lamp.tsx';
import { lampOf } from '../model/lamps.ts';
import { LiveNote } from './live-note.tsx';
import { Mark } from './mark.tsx';
import { PageBoundary } from './page-boundary.tsx';
import { Sidebar } from './sidebar.tsx';
import styles from './shell.module.css';

const CommandPalette = lazy(() => import('./command-palette.tsx'));
const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);

/** The frame around every page: navigation, search, how the system stands. */
export function Shell(): ReactNode {
  const [isFinding, setFinding] = useState(false);
  const [isMenuOpen, setMenuOpen] = useState(false);
  const { pathname } = useLocation();
  useEffect(() => setMenuOpen(false), [pathname]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setFinding((open) => !open);
      } else if (event.key === 'Escape') {
        setMenuOpen(false);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);

  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#content">
        Skip to the content
      </a>
      <aside className={`${styles.sidebar} ${isMenuOpen ? styles.open : ''}`} id="navigation" aria-label="Signalbox">
        <Sidebar />
      </aside>
      {isMenuOpen && <button type="button" className={styles.veil} aria-label="Close the navigation" onClick={() => setMenuOpen(false)} />}
      <div className={styles.main}>
        <header className={styles.top}>
          <button
            type="button"
            className={styles.menu}
            aria-label="Navigation"
            aria-expanded={isMenuOpen}
            aria-controls="navigation"
            onClick={() => setMenuOpen((open) => !open)}
          >
            <Menu size={20} aria-hidden />
          </button>
          <Link to="/" className={styles.brand} aria-label="Signalbox: the board">
            <Mark size={20} />
          </Link>
          <Button className={styles.find} onPress={() => setFinding(true)}>
            <Search size={15} aria-hidden />
            <span>Find or do anything</span>
            <kbd aria-hidden>{isMac ? '⌘ K' : 'Ctrl K'}</kbd>
          </Button>
          <LiveNote />
          <ServicesNote />
        </header>
        <main id="content" tabIndex={-1}>
          <PageBoundary address={pathname}>
            <Suspense fallback={<div className={styles.coming} />}>
              <Outlet />
            </Suspense>
          </PageBoundary>
        </main>
      </div>
      {isFinding && (
        <Suspense fallback={null}>
          <CommandPalette onClose={() => setFinding(false)} />
        </Suspense>
      )}
    </div>
  );
}

function ServicesNote(): ReactNode {
  const { data } = useQuery(queries.services());
  if (!data) return null;
  const up = data.filter(({ status }) => status === 'up').length;
  return (
    <Link to="/services" className={styles.services}>
      <span>
        {up} of {data.length} <span className={styles.wideOnly}>services up</span>
      </span>
      <LampSign lamp={lampOf(up === data.length ? 'up' : 'down')} />
    </Link>
  );
}
