import { useEffect, useRef, type ReactNode } from 'react';
import { Link, NavigationType, useLocation, useNavigationType } from 'react-router';
import styles from './page.module.css';

interface PageProps {
  /** The object's name. */
  title: string;
  /** Where the object is in; leads back to it. */
  parent?: { label: string; to: string };
  /** One sentence that answers "how does it stand?". */
  sentence?: ReactNode;
  actions?: ReactNode;
  /** Links to the views of the object. */
  tabs?: ReactNode;
  children: ReactNode;
}

/** Whether a page was shown before: the first one does not take the focus from the address bar. */
let hasShown = false;

/** The frame of every page: name, sentence, levers, views, content. */
export function Page({ title, parent, sentence, actions, tabs, children }: PageProps): ReactNode {
  useEffect(() => {
    document.title = title === 'Signalbox' ? title : `${title} · Signalbox`;
  }, [title]);
  const { pathname } = useLocation();
  const isPush = useNavigationType() !== NavigationType.Pop;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // A new page begins at its name, for eyes and for screen readers.
    if (hasShown && isPush) {
      window.scrollTo(0, 0);
      heading.current?.focus({ preventScroll: true });
    }
    hasShown = true;
  }, [pathname]);
  return (
    <div className={styles.page}>
      <header className={styles.head}>
        <div className={styles.words}>
          {parent && (
            <Link className={styles.parent} to={parent.to}>
              {parent.label}
            </Link>
          )}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {sentence !== undefined && <div className={styles.sentence}>{sentence}</div>}
        </div>
        {actions !== undefined && <div className={styles.actions}>{actions}</div>}
      </header>
      {tabs}
      <div className={styles.content}>{children}</div>
    </div>
  );
}

/** Two columns on wide screens: what matters most, and beside it what one does about it. */
export function Beside({ children, aside }: { children: ReactNode; aside: ReactNode }): ReactNode {
  return (
    <div className={styles.beside}>
      <div className={styles.stack}>{children}</div>
      {aside !== null && aside !== undefined && aside !== false && <aside className={styles.stack}>{aside}</aside>}
    </div>
  );
}

/** Facts in a sentence, separated by dots. */
export function Facts({ children }: { children: ReactNode[] }): ReactNode {
  const shown = children.filter((child) => child !== null && child !== undefined && child !== false && child !== '');
  return (
    <>
      {shown.map((child, i) => (
        // The facts of a sentence have no identity but their place.
        <span key={i} className={styles.fact}>
          {i > 0 && <span aria-hidden="true"> · </span>}
          {child}
        </span>
      ))}
    </>
  );
}
