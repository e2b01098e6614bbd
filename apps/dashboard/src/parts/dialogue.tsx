import type { ReactNode } from 'react';
import { Dialog } from 'react-aria-components/Dialog';
import { Heading } from 'react-aria-components/Heading';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';
import styles from './dialogue.module.css';

interface DialogueProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  isAlert?: boolean;
  /** Cannot be left by a click beside it: what it shows is shown once. */
  mustAnswer?: boolean;
  wide?: boolean;
  children: ReactNode;
}

/** A modal dialogue: keeps the focus, closes by Escape and gives the focus back. */
export function Dialogue({
  title,
  isOpen,
  onClose,
  isAlert = false,
  mustAnswer = false,
  wide = false,
  children,
}: DialogueProps): ReactNode {
  return (
    <ModalOverlay
      className={styles.veil ?? ''}
      isOpen={isOpen}
      onOpenChange={(open) => !open && onClose()}
      isDismissable={!mustAnswer && !isAlert}
      isKeyboardDismissDisabled={mustAnswer}
    >
      <Modal className={`${styles.modal} ${wide ? styles.wide : ''}`}>
        <Dialog className={styles.dialog ?? ''} role={isAlert ? 'alertdialog' : 'dialog'}>
          <Heading slot="title" level={2} className={styles.title ?? ''}>
            {title}
          </Heading>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
