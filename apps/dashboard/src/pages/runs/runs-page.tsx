import type { RunQuery, RunStatus } from '@signalbox/sdk/client/runs.js';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { lampOf } from '../../model/lamps.ts';
import { counted } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { LampSign } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { RunsTable } from './runs-table.tsx';
import styles from './runs.module.css';

const statuses: readonly RunStatus[] = ['running', 'queued', 'waiting', 'failed', 'succeeded', 'cancelled'];

/** All runs, filtered by the address, loaded as one scrolls. */
export default function RunsPage(): ReactNode {
  const [search, setSearch] = useSearchParams();
  const asked = search.get('status') ?? '';
  const chosen = useMemo(() => statuses.filter((each) => asked.split(',').includes(each)), [asked]);
  const workflow = search.get('workflow') ?? '';
  const q = search.get('q') ?? '';
  const filters = useMemo<RunQuery>(
    () => ({ ...(chosen.length > 0 && { status: chosen }), ...(workflow && { workflow }), ...(q && { q }) }),
    [chosen, workflow, q],
  );
  const runs = useInfiniteQuery(queries.runs(filters));
  const workflows = useQuery(queries.workflows());
  const rows = useMemo(() => runs.data?.pages.flatMap(({ data }) => data), [runs.data]);
  const set = (name: string, value: string): void => {
    const next = new URLSearchParams(search);
    if (value === '') next.delete(name);
    else next.set(name, value);
    setSearch(next, { replace: true, preventScrollReset: true });
  };
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = runs;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const isFiltered = Object.keys(filters).length > 0;

  return (
    <Page
      title="Runs"
      sentence={rows && `${counted(rows.length, 'run')}${hasNextPage ? ' and more' : ''}${isFiltered ? ' match' : ''}, the newest first.`}
    >
      <div className={styles.filters}>
        <SearchField value={q} onChange={(text) => set('q', text)} label="Search runs" placeholder="Workflow, label or ID" />
        <fieldset className={styles.statuses}>
          <legend className="visually-hidden">Status</legend>
          {statuses.map((each) => (
            <label key={each} className={styles.status}>
              <input
                type="checkbox"
                checked={chosen.includes(each)}
                onChange={(event) =>
                  set('status', (event.target.checked ? [...chosen, each] : chosen.filter((other) => other !== each)).join(','))
                }
              />
              <LampSign lamp={lampOf(each)} size={14} />
              {lampOf(each).word}
            </label>
          ))}
        </fieldset>
        {(workflows.data?.length ?? 0) > 1 && (
          <label>
            <span className="visually-hidden">Workflow</span>
            <select className={styles.select} value={workflow} onChange={(event) => set('workflow', event.target.value)}>
              <option value="">All workflows</option>
              {workflows.data?.map(({ name }) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        {isFiltered && (
          <Button kind="quiet" small onPress={() => setSearch({}, { replace: true })}>
            Clear filters
          </Button>
        )}
      </div>
      <Panel flush>
        <Loaded query={{ ...runs, data: rows }} rows={12}>
          {(data) => (
            <RunsTable runs={data} onEnd={onEnd} {...(isFiltered && { empty: <Empty title="No run matches these filters." /> })} />
          )}
        </Loaded>
        {isFetchingNextPage && <p className={styles.more}>Loading more.</p>}
      </Panel>
    </Page>
  );
}
