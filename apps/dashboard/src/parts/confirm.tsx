import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Button } from './button.tsx';
import { Dialogue } from './dialogue.tsx';
import { ProblemNote } from './notes.tsx';
import styles from './dialogue.module.css';

interface ConfirmProps {
  /** What the lever and the confirming button say: "Cancel run". */
  action: string;
  /** The question, with the name of what is hit. */
  question: string;
  /** What it disturbs. */
  children: ReactNode;
  /** The button that leaves everything as it is. */
  keep: string;
  icon?: ReactNode;
  small?: boolean;
  danger?: boolean;
  primary?: boolean;
  onConfirm: () => Promise<unknown>;
}

/** A lever that asks first. The dialogue stays until the answer is there and says what went wrong, if something did. */
export function Confirm({
  action,
  question,
  children,
  keep,
  icon,
  small = false,
  danger = true,
  primary = false,
  onConfirm,
}: ConfirmProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const doing = useMutation({ mutationFn: onConfirm, onSuccess: () => setOpen(false) });
  return (
    <>
      <Button
        small={small}
        kind={primary ? 'primary' : 'plain'}
        onPress={() => {
          doing.reset();
          setOpen(true);
        }}
      >
        {icon}
        {action}
      </Button>
      <Dialogue title={question} isOpen={isOpen} onClose={() => setOpen(false)} isAlert={danger}>
        <div className={styles.text}>{children}</div>
        {doing.error && <ProblemNote error={doing.error} />}
        <div className={styles.levers}>
          <Button onPress={() => setOpen(false)} autoFocus={danger}>
            {keep}
          </Button>
          <Button kind={danger ? 'danger' : 'primary'} isPending={doing.isPending} onPress={() => doing.mutate()} autoFocus={!danger}>
            {action}
          </Button>
        </div>
      </Dialogue>
    </>
  );
}
