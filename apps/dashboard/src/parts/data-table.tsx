import { createSortedRowModel, rowSortingFeature, tableFeatures, useTable, type ColumnDef } from '@tanstack/react-table';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type CSSProperties, type ReactNode } from 'react';
import { Link } from 'react-router';
import styles from './data-table.module.css';

/** One column. `place` says where its cell goes when rows become cards on a phone. */
export interface Column<T> {
  id: string;
  header: string;
  /** In place of the header's words, which it then needs for those who do not see it. */
  head?: ReactNode;
  cell: (row: T) => ReactNode;
  /** What rows are sorted by; without it the column does not sort. */
  sortBy?: (row: T) => string | number | null;
  /** A grid track: `minmax(180px, 2fr)`. */
  width: string;
  align?: 'end';
  place?: 'title' | 'corner' | 'line' | 'hidden';
}

interface DataTableProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  /** Where a row leads: the cell with its title, or the first, becomes the link, and the whole row can be clicked. */
  hrefOf?: (row: T) => string | { search: string };
  /** Whether the link only selects on the same page. */
  replace?: boolean;
  isSelected?: (row: T) => boolean;
  /** Called when the end comes into view. */
  onEnd?: () => void;
  /** How many rows there are in all, where more can be loaded. */
  empty?: ReactNode;
}

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });
/** Longer tables draw only the rows in view. */
const virtualFrom = 80;
const rowHeight = 43;

/** A table that sorts, stays quick at ten thousand rows and becomes cards on a phone. */
export function DataTable<T extends object>(props: DataTableProps<T>): ReactNode {
  const { label, columns, rows, keyOf, hrefOf, replace = false, isSelected, onEnd, empty } = props;
  const definitions = useMemo<ColumnDef<typeof features, T>[]>(
    () =>
      columns.map(({ id, header, sortBy }) => ({
        id,
        header,
        accessorFn: (row: T) => sortBy?.(row) ?? null,
        enableSorting: sortBy !== undefined,
        sortFn: (a, b, column) => compare(a.getValue(column), b.getValue(column)),
      })),
    [columns],
  );
  const data = useMemo(() => [...rows], [rows]);
  const table = useTable({ features, columns: definitions, data, getRowId: keyOf });
  const sorted = table.getRowModel().rows;

  const body = useRef<HTMLDivElement>(null);
  const [offset, setOffset] = useState(0);
  useLayoutEffect(() => {
    if (body.current) setOffset(body.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const isVirtual = sorted.length > virtualFrom;
  const virtual = useWindowVirtualizer({
    count: isVirtual ? sorted.length : 0,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: offset,
    getItemKey: (i) => sorted[i]?.id ?? i,
  });
  const items = isVirtual ? virtual.getVirtualItems() : [];
  const last = isVirtual ? (items.at(-1)?.index ?? 0) : sorted.length - 1;
  useEffect(() => {
    if (onEnd && last >= sorted.length - 20) onEnd();
  }, [onEnd, last, sorted.length]);

  const titleAt = Math.max(
    0,
    columns.findIndex(({ place }) => place === 'title'),
  );
  const byId = new Map(columns.map((column) => [column.id, column]));
  const grid = { '--columns': columns.map(({ width }) => width).join(' ') } as CSSProperties;
  const renderRow = (i: number, extra?: { style: CSSProperties; ref: (element: HTMLElement | null) => void }): ReactNode => {
    const row = sorted[i];
    if (!row) return null;
    return (
      <div
        key={row.id}
        role="row"
        aria-rowindex={i + 2}
        data-index={i}
        className={`${styles.row} ${hrefOf ? styles.leads : ''} ${isSelected?.(row.original) ? styles.selected : ''}`}
        {...extra}
      >
        {columns.map((column, n) => (
          <div key={column.id} role="cell" className={cellClass(column)} data-label={column.header}>
            {n === titleAt && hrefOf ? (
              <Link
                className={styles.link}
                to={hrefOf(row.original)}
                replace={replace}
                preventScrollReset={replace}
                {...(isSelected?.(row.original) && { 'aria-current': 'true' })}
              >
                {column.cell(row.original)}
              </Link>
            ) : (
              column.cell(row.original)
            )}
          </div>
        ))}
      </div>
    );
  };

  return (
    <>
      <div role="table" aria-label={label} aria-rowcount={sorted.length + 1} className={styles.table} style={grid}>
        <div role="rowgroup" className={styles.headGroup}>
          {table.getHeaderGroups().map((group) => (
            <div key={group.id} role="row" aria-rowindex={1} className={`${styles.row} ${styles.head}`}>
              {group.headers.map((header) => {
                const column = byId.get(header.column.id);
                const direction = header.column.getIsSorted();
                return (
                  <div
                    key={header.id}
                    role="columnheader"
                    className={column?.align === 'end' ? styles.end : undefined}
                    {...(direction && { 'aria-sort': direction === 'asc' ? 'ascending' : 'descending' })}
                  >
                    {header.column.getCanSort() ? (
                      <button type="button" className={styles.sort} onClick={header.column.getToggleSortingHandler()}>
                        {column?.header}
                        {direction === 'asc' && <ArrowUp size={13} aria-hidden />}
                        {direction === 'desc' && <ArrowDown size={13} aria-hidden />}
                      </button>
                    ) : (
                      (column?.head ?? column?.header)
                    )}
                  </div>
                );
              })}
            </div>
          ))}
        </div>
        <div
          role="rowgroup"
          ref={body}
          className={isVirtual ? styles.virtual : undefined}
          style={isVirtual ? { height: `${virtual.getTotalSize()}px` } : undefined}
        >
          {isVirtual
            ? items.map((item) =>
                renderRow(item.index, {
                  style: { transform: `translateY(${item.start - offset}px)` },
                  ref: virtual.measureElement,
                }),
              )
            : sorted.map((_, i) => renderRow(i))}
        </div>
      </div>
      {sorted.length === 0 && empty}
    </>
  );
}

function cellClass<T>({ align, place = 'line' }: Column<T>): string {
  return [align === 'end' && styles.end, styles[place]].filter(Boolean).join(' ');
}

/** Nothing sorts after everything; numbers by size, texts as people sort them. */
function compare(a: unknown, b: unknown): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return typeof a === 'string' && typeof b === 'string' ? a.localeCompare(b, 'en', { numeric: true }) : 0;
}
