import type { Tool } from '@signalbox/sdk/client/tools.js';
import type { ReactNode } from 'react';
import { inert } from '../../model/text.ts';
import { Chip } from '../../parts/chip.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { toolClaims } from '../../model/tool-claims.ts';
import styles from '../mcp-servers/mcp-servers.module.css';

const nameColumn: Column<Tool> = {
  id: 'name',
  header: 'Tool',
  width: 'minmax(170px, 1fr)',
  place: 'title',
  sortBy: ({ name }) => name,
  cell: ({ name }) => name,
};
const serverColumn: Column<Tool> = {
  id: 'server',
  header: 'Server',
  width: 'minmax(110px, 0.6fr)',
  place: 'corner',
  sortBy: ({ server }) => server,
  cell: ({ server }) => <span className="quiet">{server}</span>,
};
const aboutColumn: Column<Tool> = {
  id: 'about',
  header: 'About',
  width: 'minmax(200px, 2.4fr)',
  cell: ({ description, title }) => <span className={styles.about}>{inert(description || title || '')}</span>,
};
const claimsColumn: Column<Tool> = {
  id: 'claims',
  header: 'It claims',
  width: 'minmax(110px, 0.7fr)',
  cell: ({ annotations }) => {
    const claims = toolClaims(annotations);
    return claims.length === 0 ? null : (
      <>
        {claims.map(({ word, isHarmful }) => (
          <Chip key={word} tone={isHarmful ? 'caution' : 'plain'}>
            {word}
          </Chip>
        ))}
      </>
    );
  },
};
const withServerColumns = [nameColumn, serverColumn, aboutColumn, claimsColumn];
const plainColumns = [nameColumn, aboutColumn, claimsColumn];

/** Tools, each leading to its schema and its form. */
export function ToolsTable({ tools, withServer, empty }: { tools: readonly Tool[]; withServer: boolean; empty: ReactNode }): ReactNode {
  return (
    <DataTable
      label="Tools"
      columns={withServer ? withServerColumns : plainColumns}
      rows={tools}
      keyOf={({ server, name }) => `${server}/${name}`}
      hrefOf={({ server, name }) => `/tools/${encodeURIComponent(server)}/${encodeURIComponent(name)}`}
      empty={empty}
    />
  );
}
