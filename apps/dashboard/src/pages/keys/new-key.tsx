import type { ReactNode } from 'react';
import type { CreatedKey } from '../../api/shapes.ts';
import { Button } from '../../parts/button.tsx';
import { Command } from '../../parts/copy.tsx';
import { Dialogue } from '../../parts/dialogue.tsx';
import { Note } from '../../parts/notes.tsx';
import form from '../../parts/form.module.css';

/** Shows a new key, the only time. It is left by its button alone, so that a stray click does not lose it. */
export function NewKey({ created, onClose }: { created: CreatedKey; onClose: () => void }): ReactNode {
  return (
    <Dialogue title={`The key ${created.name} is ready`} isOpen mustAnswer wide onClose={onClose}>
      <Note>Copy it now: it is shown this once, and nobody can read it again.</Note>
      <Command text={created.key} />
      <p className="quiet">A program sends it as Authorization: Bearer …; the command line takes it as SIGNALBOX_API_KEY.</p>
      <div className={form.levers}>
        <Button kind="primary" onPress={onClose}>
          I have copied it
        </Button>
      </div>
    </Dialogue>
  );
}
