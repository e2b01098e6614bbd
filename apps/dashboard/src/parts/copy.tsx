import { Check, Copy } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { shortenMiddle } from '../model/text.ts';
import { Button } from './button.tsx';
import styles from './copy.module.css';

/** How long a copy is confirmed. */
const confirmMs = 1_600;

/** Copies by click; `null` while nothing was copied lately. */
function useCopy(text: string): { state: 'copied' | 'failed' | null; copy: () => void } {
  const [state, setState] = useState<'copied' | 'failed' | null>(null);
  useEffect(() => {
    if (!state) return;
    const timer = setTimeout(() => setState(null), confirmMs);
    return () => clearTimeout(timer);
  }, [state]);
  return {
    state,
    copy: () => {
      // Away from loopback and https there is no clipboard for pages: the text can still be selected.
      if (!navigator.clipboard) return setState('failed');
      navigator.clipboard.writeText(text).then(
        () => setState('copied'),
        () => setState('failed'),
      );
    },
  };
}

const said = { copied: 'Copied', failed: 'Cannot copy here: select the text instead' };

/** An identifier: monospace, shortened in the middle, copied whole by click. */
export function CopyId({ id, max = 18 }: { id: string; max?: number }): ReactNode {
  const { state, copy } = useCopy(id);
  return (
    <button type="button" className={styles.id} onClick={copy} title={id}>
      <span className="visually-hidden">Copy </span>
      <code>{shortenMiddle(id, max)}</code>
      {state === 'copied' ? <Check size={13} aria-hidden /> : <Copy size={12} aria-hidden />}
      <span className="visually-hidden" role="status">
        {state ? said[state] : ''}
      </span>
    </button>
  );
}

/** A command to type in a terminal, with a button that copies it. */
export function Command({ text }: { text: string }): ReactNode {
  const { state, copy } = useCopy(text);
  return (
    <span className={styles.command}>
      <code tabIndex={0}>{text}</code>
      <Button kind="quiet" small onPress={copy} aria-label={`Copy the command ${text}`}>
        {state === 'copied' ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
        <span role="status">{state === 'copied' ? 'Copied' : state === 'failed' ? 'Select it' : 'Copy'}</span>
      </Button>
    </span>
  );
}

/** A button that copies a text; as an icon where space is short. */
export function CopyButton({ text, label = 'Copy', isIcon = false }: { text: string; label?: string; isIcon?: boolean }): ReactNode {
  const { state, copy } = useCopy(text);
  return (
    <Button kind="quiet" small onPress={copy} className={isIcon ? styles.icon : undefined}>
      {state === 'copied' ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      <span role="status" className={isIcon ? 'visually-hidden' : undefined}>
        {state ? said[state] : label}
      </span>
    </Button>
  );
}
