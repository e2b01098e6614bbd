import { useQuery } from '@tanstack/react-query';
import type { Board } from '@signalbox/sdk/client/deployments.js';
import { useDeferredValue, useState, type ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { slipOf } from '../../model/board.ts';
import { Note } from '../../parts/notes.tsx';
import { PanelPart } from '../../parts/panel.tsx';
import styles from './board.module.css';

const daysMax = 3_650;

/** What becomes of the whole if an agent takes longer: asked of the registry, which computes it as it computes the board. */
export function IfItSlips({ board, agent }: { board: Board; agent: string }): ReactNode {
  const [text, setText] = useState('1');
  const days = useDeferredValue(Number(text));
  const isAsked = text.trim() !== '' && Number.isFinite(days) && Math.abs(days) <= daysMax;
  const { data, error } = useQuery({ ...queries.boardIf(board.name, agent, days), enabled: isAsked });
  return (
    <PanelPart title="If it slips">
      <label className={styles.slip}>
        by
        <input type="number" value={text} min={-daysMax} max={daysMax} step="0.5" onChange={({ target }) => setText(target.value)} />
        days
      </label>
      {!isAsked && <Note>Give a number of days; less than 0 is sooner.</Note>}
      {isAsked && error && <Note tone="stop">{error.message}</Note>}
      {isAsked && data && <Note>{slipOf(board, data)}</Note>}
    </PanelPart>
  );
}
