import type { UsageGroup, UsageRow } from '@signalbox/sdk/client/usage.js';
import { useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { Link } from 'react-router';
import { serverNow } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { formatCount, formatUsd } from '../../model/text.ts';
import { barsOf, beginOf, chartWord, spans, sumsText, tokensOf, unnamed, usageSentence, type Span } from '../../model/usage.ts';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { Tabs, useTab } from '../../parts/tabs.tsx';
import styles from './usage.module.css';

const tabs = Object.entries(spans).map(([id, { label }]) => ({ id, label }));
const groups: readonly [UsageGroup, string][] = [
  ['workflow', 'By workflow'],
  ['agent', 'By agent'],
  ['model', 'By model'],
];

/** Tokens and cost: over time, and by who used them. */
export default function UsagePage(): ReactNode {
  const span = useTab(tabs) as Span;
  const from = beginOf(span, serverNow());
  const { bucket } = spans[span];
  const usage = useQuery(queries.usage({ from, bucket }));
  return (
    <Page title="Usage" sentence={usage.data && usageSentence(usage.data.total, span)} tabs={<Tabs tabs={tabs} label="Of which time" />}>
      <Loaded query={usage} rows={4}>
        {({ data, total, to }) =>
          total.attempts === 0 ? (
            <Panel>
              <Empty title="Nothing told what it used.">
                Calls to models are counted here by themselves; an agent tells the tokens and the cost of a task with its result.
              </Empty>
            </Panel>
          ) : (
            <>
              <Panel title={chartWord(data)} note={`each ${bucket}, UTC; together ${sumsText(total)}`}>
                <ol className={styles.chart} aria-label={`${chartWord(data)} of each ${bucket}`}>
                  {barsOf(data, from, to, bucket).map(({ at, share, text }) => (
                    <li key={at} className={styles.slot} title={text}>
                      <span className={styles.bar} style={{ blockSize: `${share * 100}%` }} />
                      <span className="visually-hidden">{text}</span>
                    </li>
                  ))}
                </ol>
              </Panel>
              {groups.map(([group, title]) => (
                <Group key={group} group={group} title={title} from={from} />
              ))}
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

function Group({ group, title, from }: { group: UsageGroup; title: string; from: string }): ReactNode {
  const usage = useQuery(queries.usage({ from, by: group }));
  const columns = useMemo(() => columnsOf(group), [group]);
  return (
    <Panel title={title} flush {...(usage.data?.isCut && { note: 'the first 2,000 names' })}>
      <Loaded query={usage} rows={3}>
        {({ data }) => (
          <DataTable
            label={title}
            columns={columns}
            rows={data.toSorted((a, b) => b.costUsd - a.costUsd || tokensOf(b) - tokensOf(a))}
            keyOf={(row) => row[group] ?? ''}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function columnsOf(group: UsageGroup): Column<UsageRow>[] {
  return [
    {
      id: 'name',
      header: { workflow: 'Workflow', agent: 'Agent', model: 'Model' }[group],
      width: 'minmax(160px, 1.6fr)',
      place: 'title',
      sortBy: (row) => row[group],
      cell: (row) => <Name group={group} name={row[group] ?? ''} />,
    },
    {
      id: 'cost',
      header: 'Cost',
      width: 'minmax(90px, 0.6fr)',
      align: 'end',
      sortBy: ({ costUsd }) => costUsd,
      cell: ({ costUsd }) => <span className="num">{formatUsd(costUsd)}</span>,
    },
    ...(['inputTokens', 'outputTokens', 'attempts'] as const).map((figure): Column<UsageRow> => ({
      id: figure,
      header: { inputTokens: 'Tokens in', outputTokens: 'Tokens out', attempts: 'Calls' }[figure],
      width: 'minmax(90px, 0.6fr)',
      align: 'end',
      sortBy: (row) => row[figure],
      cell: (row) => <span className="num">{formatCount(row[figure])}</span>,
    })),
  ];
}

function Name({ group, name }: { group: UsageGroup; name: string }): ReactNode {
  if (name === '') return <span className="quiet">{unnamed[group]}</span>;
  return group === 'model' ? name : <Link to={`/${group}s/${encodeURIComponent(name)}`}>{name}</Link>;
}
