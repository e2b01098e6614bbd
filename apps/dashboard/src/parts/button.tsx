import type { ReactNode } from 'react';
import { Button as AriaButton, type ButtonProps } from 'react-aria-components/Button';
import { Link, type LinkProps } from 'react-router';
import styles from './button.module.css';

type Kind = 'plain' | 'primary' | 'danger' | 'quiet';

/** A button that says what it does to what. `isPending` keeps its place and says that it works. */
export function Button({
  kind = 'plain',
  small = false,
  className,
  ...props
}: Omit<ButtonProps, 'className'> & { kind?: Kind; small?: boolean; className?: string | undefined }): ReactNode {
  return <AriaButton {...props} className={[styles.button, styles[kind], small && styles.small, className].filter(Boolean).join(' ')} />;
}

/** A link that looks like a button: it leads somewhere instead of doing something. */
export function ButtonLink({ kind = 'plain', small = false, ...props }: LinkProps & { kind?: Kind; small?: boolean }): ReactNode {
  return <Link {...props} className={[styles.button, styles[kind], small && styles.small].filter(Boolean).join(' ')} />;
}

/** A button that brings a file: `href` answers with it, `name` is what it is kept as. */
export function DownloadLink({ href, name, children }: { href: string; name: string; children: ReactNode }): ReactNode {
  return (
    <a href={href} download={name} className={`${styles.button} ${styles.plain}`}>
      {children}
    </a>
  );
}
