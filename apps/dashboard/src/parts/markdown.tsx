import { ExternalLink } from 'lucide-react';
import type { ReactNode } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { inert } from '../model/text.ts';
import styles from './markdown.module.css';

/**
 * Markdown of foreign origin. Raw HTML stays text; addresses other than http, https and mailto are dropped by the library; images are not
 * loaded but linked, so that opening a report tells nobody; links are marked and lead out without a referrer.
 */
const components: Components = {
  a: ({ href, children }) =>
    href && /^(?:https?:|mailto:)/i.test(href) ? (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
        {children}
        <ExternalLink size={12} aria-hidden className={styles.out} />
        <span className="visually-hidden"> (leads out of Signalbox)</span>
      </a>
    ) : (
      <span>{children}</span>
    ),
  img: ({ alt, src }) => (
    <span className={styles.image}>
      Image{alt ? `: ${alt}` : ''}
      {typeof src === 'string' && /^https?:/i.test(src) ? ` (${src})` : ''}
    </span>
  ),
  table: ({ children }) => (
    <div className={styles.table} tabIndex={0} role="group" aria-label="Table">
      <table>{children}</table>
    </div>
  ),
  pre: ({ children }) => <pre tabIndex={0}>{children}</pre>,
  // The page has its own first heading: those of a report begin one level below.
  h1: ({ children }) => <h2>{children}</h2>,
  h2: ({ children }) => <h3>{children}</h3>,
  h3: ({ children }) => <h4>{children}</h4>,
};

export function Markdown({ text }: { text: string }): ReactNode {
  return (
    <div className={styles.markdown}>
      <ReactMarkdown remarkPlugins={[remarkGfm]} components={components}>
        {inert(text)}
      </ReactMarkdown>
    </div>
  );
}
