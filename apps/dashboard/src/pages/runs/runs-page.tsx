import type { RunFilter } from '@signalbox/sdk/client/runs.js';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useSearchParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { filterOf, sortOf, sorts } from '../../model/run-filter.ts';
import { counted } from '../../model/text.ts';
import { Button, ButtonLink } from '../../parts/button.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import { BulkLever } from './bulk.tsx';
import { ImportRun } from './import-run.tsx';
import { Operations } from './operations.tsx';
import { RunFilters } from './run-filters.tsx';
import { RunsTable } from './runs-table.tsx';
import styles from './runs.module.css';

/** As many runs as one order names; for more there is "all that match". */
const namedMax = 1_000;

/** All runs, filtered by the address, loaded as one scrolls, and what can be done to many of them. */
export default function RunsPage(): ReactNode {
  const [search] = useSearchParams();
  // Spans as "the last hour" are of the moment at which they were chosen, so that pages fit together.
  const filter = useMemo(() => filterOf(search, Date.now()), [search]);
  const sort = sortOf(search);
  const runs = useInfiniteQuery(queries.runs({ ...filter, ...(sort !== 'newest' && { sort }) }));
  const rows = useMemo(() => runs.data?.pages.flatMap(({ data }) => data), [runs.data]);
  const mayAct = useMay('runs:write');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const selection = useMemo(() => ({ ids: chosen, set: setChosen }), [chosen]);
  useEffect(() => setChosen(new Set()), [filter]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = runs;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const isFiltered = Object.keys(filter).length > 0;
  // A page of a search may be empty and be followed by others: it goes on until something is found.
  const isSearching = rows?.length === 0 && hasNextPage;
  useEffect(() => {
    if (isSearching) onEnd();
  }, [isSearching, onEnd]);
  const found =
    rows &&
    `${counted(rows.length, 'run')}${hasNextPage ? ' and more' : ''}${isFiltered ? (rows.length === 1 && !hasNextPage ? ' matches' : ' match') : ''}`;

  return (
    <Page
      title="Runs"
      actions={<ImportRun />}
      sentence={
        found && (isSearching ? 'Searching older runs.' : `${found}, ${sorts[sort] === sorts.newest ? 'the newest first' : sorts[sort]}.`)
      }
    >
      <RunFilters />
      <Operations />
      <Panel flush>
        {mayAct && rows && rows.length > 0 && (
          <BulkLevers filter={filter} chosen={chosen} isFiltered={isFiltered} onDone={() => setChosen(new Set())} />
        )}
        <Loaded query={{ ...runs, data: rows }} rows={12}>
          {(data) =>
            isSearching ? (
              <p className={styles.more}>Searching older runs.</p>
            ) : (
              <RunsTable
                runs={data}
                onEnd={onEnd}
                {...(mayAct && { selection })}
                {...(isFiltered && { empty: <Empty title="No run matches these filters." /> })}
              />
            )
          }
        </Loaded>
        {isFetchingNextPage && !isSearching && <p className={styles.more}>Loading more.</p>}
      </Panel>
    </Page>
  );
}

/** What can be done to the chosen runs, or to all that the filters mean. */
function BulkLevers({
  filter,
  chosen,
  isFiltered,
  onDone,
}: {
  filter: RunFilter;
  chosen: ReadonlySet<string>;
  isFiltered: boolean;
  onDone: () => void;
}): ReactNode {
  const mayDelete = useMay('runs:delete');
  if (chosen.size === 0 && !isFiltered) return null;
  const ids = [...chosen].slice(0, namedMax);
  const order = chosen.size > 0 ? { ids } : { filter };
  return (
    <div className={styles.bulk} role="group" aria-label="Do to many runs">
      <span>
        {chosen.size === 0
          ? 'All that match'
          : `${counted(ids.length, 'run')} selected${chosen.size > namedMax ? `, at most ${namedMax} at once` : ''}`}
      </span>
      <BulkLever action="cancel" order={order} onStarted={onDone} />
      <BulkLever action="retry" order={order} onStarted={onDone} />
      <BulkLever action="upgrade" order={order} onStarted={onDone} />
      <BulkLever action="dismiss" order={order} onStarted={onDone} />
      {mayDelete && <BulkLever action="delete" order={order} onStarted={onDone} />}
      {chosen.size === 2 && (
        <ButtonLink small to={`/runs/${ids.join('/compare/')}`}>
          Compare
        </ButtonLink>
      )}
      {chosen.size > 0 && (
        <Button kind="quiet" small onPress={onDone}>
          Select none
        </Button>
      )}
    </div>
  );
}
