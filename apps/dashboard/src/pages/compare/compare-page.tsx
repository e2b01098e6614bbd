import type { ComparedSide, ComparedStep, Difference, Run } from '@signalbox/sdk/client/runs.js';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo, useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { lampOf } from '../../model/lamps.ts';
import { runFacts } from '../../model/run.ts';
import { counted, formatUsd, inert, shortenMiddle } from '../../model/text.ts';
import { formatSpan } from '../../model/time.ts';
import { useNow } from '../../parts/clock.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import styles from './compare.module.css';

/** Two runs side by side: what differs in their steps, inputs and outputs. */
export default function ComparePage(): ReactNode {
  const { id = '', other = '' } = useParams();
  const pages = useInfiniteQuery(queries.runComparison(id, other));
  const [isAll, setAll] = useState(false);
  const steps = useMemo(() => pages.data?.pages.flatMap((page) => page.steps), [pages.data]);
  const first = pages.data?.pages[0];
  const shown = steps?.filter(({ isDifferent }) => isAll || isDifferent);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages;
  return (
    <Page
      title="Compare runs"
      parent={{ label: 'Runs', to: '/runs' }}
      sentence={
        first &&
        steps &&
        `${counted(steps.filter(({ isDifferent }) => isDifferent).length, 'step')} of ${steps.length}${hasNextPage ? ' and more' : ''} differ${first.isSameDefinition ? '' : '; the runs are of different definitions'}.`
      }
    >
      {first && (
        <div className={styles.runs}>
          <Side name="A" run={first.a} />
          <Side name="B" run={first.b} />
        </div>
      )}
      {first && (first.input.length > 0 || first.output.length > 0) && (
        <Panel title="The runs’ own input and output">
          <Differences title="Input" differences={first.input} />
          <Differences title="Output" differences={first.output} />
        </Panel>
      )}
      <Panel
        title="Steps"
        flush
        actions={
          <label className={styles.all}>
            <input type="checkbox" checked={isAll} onChange={(event) => setAll(event.target.checked)} /> also those that do not differ
          </label>
        }
      >
        <Loaded query={{ ...pages, data: shown }} rows={8}>
          {(data) => (
            <DataTable
              label="Steps of both runs"
              columns={columns}
              rows={data}
              keyOf={({ key }) => key}
              onEnd={() => {
                if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
              }}
              empty={<Empty title={hasNextPage ? 'No step so far differs.' : 'No step differs.'} />}
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}

function Side({ name, run }: { name: string; run: Run }): ReactNode {
  const now = useNow();
  return (
    <Panel
      title={
        <Link to={`/runs/${run.id}`}>
          {name}: {run.workflow} <code>{shortenMiddle(run.id, 14)}</code>
        </Link>
      }
    >
      <Facts>{[<LampWord key="lamp" lamp={lampOf(run.status)} />, ...runFacts(run, now)]}</Facts>
    </Panel>
  );
}

const columns: readonly Column<ComparedStep>[] = [
  { id: 'step', header: 'Step', width: 'minmax(120px, 1fr)', place: 'title', cell: ({ key }) => key },
  { id: 'a', header: 'A', width: 'minmax(150px, 1fr)', cell: ({ a }) => <StepSide side={a} /> },
  { id: 'b', header: 'B', width: 'minmax(150px, 1fr)', cell: ({ b }) => <StepSide side={b} /> },
  {
    id: 'differences',
    header: 'Where they differ',
    width: 'minmax(220px, 2.4fr)',
    cell: ({ input, output }) =>
      input.length + output.length > 0 && (
        <>
          <Differences title="Input" differences={input} />
          <Differences title="Output" differences={output} />
        </>
      ),
  },
];

function StepSide({ side }: { side: ComparedSide | null }): ReactNode {
  if (side === null) return <span className="faint">has no such step</span>;
  return (
    <span className={styles.side}>
      <LampWord lamp={lampOf(side.status)} />
      <span className="num quiet">
        {[
          side.durationMs !== null && formatSpan(side.durationMs),
          side.attempts > 1 && counted(side.attempts, 'attempt'),
          side.costUsd > 0 && formatUsd(side.costUsd),
        ]
          .filter(Boolean)
          .join(' · ')}
      </span>
    </span>
  );
}

function Differences({ title, differences }: { title: string; differences: readonly Difference[] }): ReactNode {
  if (differences.length === 0) return null;
  return (
    <dl className={styles.differences}>
      {differences.map((each) => (
        <div key={each.pointer}>
          <dt>
            {title} <code>{inert(each.pointer)}</code>
          </dt>
          <dd>
            <Value difference={each} side="a" />
            <span aria-label="in the other run">→</span>
            <Value difference={each} side="b" />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Value({ difference, side }: { difference: Difference; side: 'a' | 'b' }): ReactNode {
  if (!(side in difference)) return <span className="faint">nothing</span>;
  return <code>{inert(JSON.stringify(difference[side]) ?? '')}</code>;
}
