import type { Evidence, EvidenceFormat } from '@signalbox/sdk/client/evidence.js';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { figure } from '../../model/stages.ts';
import { Chip } from '../../parts/chip.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { useFilter } from '../../routing/filter.ts';
import styles from './stages.module.css';

const formats: Record<EvidenceFormat, string> = {
  junit: 'JUnit',
  lcov: 'LCOV',
  sarif: 'SARIF',
  json: 'JSON',
  eval: 'Eval',
  live: 'Measured',
};
/** More metrics than these are in the answer of the REST interface. */
const metricsShown = 6;

const columns: readonly Column<Evidence>[] = [
  {
    id: 'source',
    header: 'From',
    width: 'minmax(96px, 0.8fr)',
    place: 'title',
    cell: ({ source, format, expired }) => (
      <span className={styles.source}>
        <strong>{source}</strong>
        <span className="quiet">{formats[format]}</span>
        {expired && <Chip tone="caution">expired</Chip>}
      </span>
    ),
  },
  {
    id: 'says',
    header: 'Says',
    width: 'minmax(120px, 2fr)',
    cell: ({ metrics, findings }) => (
      <span title={findings.join('\n')}>
        {metrics
          .slice(0, metricsShown)
          .map(({ metric, value }) => `${metric} ${figure(value)}`)
          .join(', ')}
        {metrics.length > metricsShown && `, and ${metrics.length - metricsShown} more`}
      </span>
    ),
  },
  { id: 'hash', header: 'Hash', width: '124px', cell: ({ hash }) => <CopyId id={hash} max={14} /> },
  { id: 'by', header: 'By', width: 'minmax(60px, 0.4fr)', cell: ({ by, byName }) => <span title={by}>{byName}</span> },
  { id: 'added', header: 'Added', width: '82px', align: 'end', place: 'corner', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  { id: 'expires', header: 'Expires', width: '76px', align: 'end', cell: ({ expiresAt }) => <Moment at={expiresAt} /> },
];

/** What is known of a version, and who brought it. */
export function EvidenceTable({ agent, version }: { agent: string; version: number }): ReactNode {
  const { q, setQ } = useFilter();
  const [format, setFormat] = useState<EvidenceFormat | ''>('');
  const [isFresh, setFresh] = useState(false);
  const filters = { agent, version, ...(q && { q }), ...(format && { format }), ...(isFresh && { expired: false }) };
  const evidence = useInfiniteQuery(queries.evidence(filters));
  const isFiltered = q !== '' || format !== '' || isFresh;
  return (
    <Panel title="Evidence" note={`for version ${version}; it is only ever added`} flush>
      <div className={styles.filters}>
        <SearchField value={q} onChange={setQ} label="Search evidence" placeholder="Source, metric or finding" />
        <label className={styles.choice}>
          Format
          <select value={format} onChange={(event) => setFormat(event.target.value as EvidenceFormat | '')}>
            <option value="">all</option>
            {Object.entries(formats).map(([id, word]) => (
              <option key={id} value={id}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <label className={styles.choice}>
          <input type="checkbox" checked={isFresh} onChange={(event) => setFresh(event.target.checked)} />
          not expired
        </label>
      </div>
      <Loaded query={{ ...evidence, data: evidence.data?.pages.flatMap(({ data }) => data) }}>
        {(data) => (
          <DataTable
            label="Evidence"
            columns={columns}
            rows={data}
            keyOf={({ id }) => id}
            onEnd={() => evidence.hasNextPage && !evidence.isFetchingNextPage && void evidence.fetchNextPage()}
            empty={
              isFiltered ? (
                <Empty title="No evidence matches." />
              ) : (
                <Empty title="Nothing was measured of it yet." command={`npx signalbox evidence add ${agent}@${version} --file junit.xml`}>
                  Reports of CI: JUnit, LCOV, SARIF, or metrics as JSON.
                </Empty>
              )
            }
          />
        )}
      </Loaded>
    </Panel>
  );
}
