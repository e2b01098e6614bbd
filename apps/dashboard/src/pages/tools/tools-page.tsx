import { useQuery } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { counted } from '../../model/text.ts';
import { Loaded } from '../../parts/loaded.tsx';
import { Empty } from '../../parts/notes.tsx';
import { Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { useFilter } from '../../routing/filter.ts';
import { ToolsTable } from './tools-table.tsx';

/** What the MCP servers offer, all together. */
export default function ToolsPage(): ReactNode {
  const tools = useQuery(queries.tools());
  const { q, setQ } = useFilter();
  const rows = useMemo(() => {
    const wanted = q.toLowerCase();
    return tools.data?.filter(({ server, name, title, description }) =>
      `${server}/${name} ${title ?? ''} ${description}`.toLowerCase().includes(wanted),
    );
  }, [tools.data, q]);
  const servers = new Set(tools.data?.map(({ server }) => server)).size;
  return (
    <Page
      title="Tools"
      sentence={
        tools.data &&
        (servers === 0 ? 'No server offers a tool.' : `${counted(tools.data.length, 'tool')} of ${counted(servers, 'server')}.`)
      }
    >
      <SearchField value={q} onChange={setQ} label="Search tools" placeholder="Name, server or words" />
      <Panel flush>
        <Loaded query={{ ...tools, data: rows }} rows={10}>
          {(data) => (
            <ToolsTable
              tools={data}
              withServer
              empty={
                q ? (
                  <Empty title="No tool matches." />
                ) : (
                  <Empty title="No tools yet." command="npx signalbox apply -f server.yaml">
                    Tools come from MCP servers: connect one and its tools appear here.
                  </Empty>
                )
              }
            />
          )}
        </Loaded>
      </Panel>
    </Page>
  );
}
