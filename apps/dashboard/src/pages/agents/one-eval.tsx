import type { EvalAttempt } from '@signalbox/sdk/client/evals.js';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { queries } from '../../api/queries.ts';
import { attemptLamp, comparisonText, divergedText, intervalText, lacksText, recordedRunOf, shareText } from '../../model/evals.ts';
import { lampOf } from '../../model/lamps.ts';
import { counted } from '../../model/text.ts';
import { CopyId } from '../../parts/copy.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import styles from './stages.module.css';

const columns: readonly Column<EvalAttempt>[] = [
  {
    id: 'case',
    header: 'Case',
    width: 'minmax(110px, 0.7fr)',
    place: 'title',
    cell: ({ case: name, repeat, run }) => (
      <span className={styles.source}>
        <strong>{name}</strong>
        {repeat > 1 && <span className="quiet">time {repeat}</span>}
        {run !== undefined && <Link to={`/runs/${recordedRunOf(name)}/compare/${run}`}>compare both runs</Link>}
      </span>
    ),
  },
  { id: 'outcome', header: 'Outcome', width: '116px', place: 'corner', cell: (attempt) => <LampWord lamp={attemptLamp(attempt)} /> },
  {
    id: 'score',
    header: 'Score',
    width: '76px',
    align: 'end',
    cell: ({ score, outcome }) => outcome !== 'diverged' && shareText(score),
  },
  { id: 'lacks', header: 'What it lacks', width: 'minmax(140px, 1.2fr)', cell: lacksText },
  { id: 'asked', header: 'Asked', width: 'minmax(110px, 1fr)', cell: ({ input }) => <code>{JSON.stringify(input)}</code> },
  {
    id: 'answered',
    header: 'Answered',
    width: 'minmax(110px, 1fr)',
    cell: ({ output, error }) => error === undefined && <code>{output}</code>,
  },
];

/** What one eval found out, and its attempts: first of all those that failed. */
export function OneEval({ id }: { id: string }): ReactNode {
  const one = useQuery(queries.eval(id));
  return (
    <Loaded query={one} rows={6}>
      {(data) => {
        const { suite, version, status, reason, run, cases, repeats, confidence, result } = data;
        return (
          <Panel title={`${suite}, version ${version}`} note={<CopyId id={id} max={20} />} flush>
            <PanelPart>
              <LampWord lamp={lampOf(status)} />
              {reason !== undefined && <p className={styles.says}>{reason}.</p>}
              <KeyValues
                rows={[
                  ['Passed', result && `${intervalText(result.passRate)} (${shareText(confidence)} sure)`],
                  ['Score', result && `${intervalText(result.score)} (${shareText(confidence)} sure)`],
                  ['Against', comparisonText(data)],
                  ['Cases', `${cases}${repeats > 1 ? `, each ${repeats} times` : ''}`],
                  [
                    'Graders',
                    result?.graders
                      .map(({ grader, score, version: of }) => `${grader}${of === undefined ? '' : `@${of}`} ${shareText(score)}`)
                      .join(', '),
                  ],
                  ['Note', result?.comparison && result.note],
                  ['Diverged', result && divergedText(result)],
                  ['Failed calls', result && result.errors > 0 && counted(result.errors, 'call')],
                  ['Run', run && <Link to={`/runs/${run}`}>the calls it made</Link>],
                ]}
              />
            </PanelPart>
            {status === 'succeeded' && <Attempts id={id} />}
          </Panel>
        );
      }}
    </Loaded>
  );
}

function Attempts({ id }: { id: string }): ReactNode {
  const [isAll, setAll] = useState(false);
  const attempts = useInfiniteQuery(queries.evalAttempts(id, isAll ? undefined : ['failed', 'error', 'diverged']));
  return (
    <>
      <div className={styles.filters}>
        <label className={styles.choice}>
          <input type="checkbox" checked={isAll} onChange={(event) => setAll(event.target.checked)} />
          those that passed too
        </label>
      </div>
      <Loaded query={{ ...attempts, data: attempts.data?.pages.flatMap(({ data }) => data) }}>
        {(data) => (
          <DataTable
            label="Attempts"
            columns={columns}
            rows={data}
            keyOf={({ case: name, repeat }) => `${name} ${repeat}`}
            onEnd={() => attempts.hasNextPage && !attempts.isFetchingNextPage && void attempts.fetchNextPage()}
            empty={<Empty title="Every attempt passed." />}
          />
        )}
      </Loaded>
    </>
  );
}
