import { bold, join, Styled } from './styled.ts';
import type { Text } from './styled.ts';

export interface Column<T> {
  title: string;
  cell: (row: T) => Text;
  align?: 'right';
  /** May be cut when the terminal is too narrow. At most one column of a table. */
  isFlexible?: boolean;
}

/** A flexible column is not made narrower than this: a cut word says nothing. */
const flexibleMin = 12;

/** Lines of a table, its title row first. */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], terminalColumns: number): Styled[] {
  const cells = rows.map((row) => columns.map((column) => asStyled(column.cell(row))));
  const widths = columns.map((column, i) => Math.max(column.title.length, ...cells.map((row) => (row[i] as Styled).width)));
  const total = widths.reduce((sum, width) => sum + width, 0) + 2 * (columns.length - 1);
  const flexible = columns.findIndex((column) => column.isFlexible);
  if (flexible >= 0 && total > terminalColumns) {
    widths[flexible] = Math.max(flexibleMin, (widths[flexible] as number) - (total - terminalColumns));
  }
  const lineOf = (row: readonly Styled[]): Styled =>
    join(
      row.map((cell, i) => {
        const width = widths[i] as number;
        if (columns[i]?.align === 'right') return cell.padStart(width);
        return i === row.length - 1 ? cell.cut(width) : cell.cut(width).padEnd(width);
      }),
      '  ',
    );
  return [lineOf(columns.map((column) => bold(column.title))), ...cells.map(lineOf)];
}

function asStyled(text: Text): Styled {
  return text instanceof Styled ? text : new Styled([{ text: String(text) }]);
}
