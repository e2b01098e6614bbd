import type { McpServerDetail } from '@signalbox/sdk/client/mcp-servers.js';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, type ReactNode } from 'react';
import { useParams } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import { serverLampOf } from '../../model/lamps.ts';
import { counted } from '../../model/text.ts';
import { Code } from '../../parts/code.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Empty, Note } from '../../parts/notes.tsx';
import { useTell } from '../../parts/notices.tsx';
import { Beside, Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import { ToolsTable } from '../tools/tools-table.tsx';

/** One MCP server: its tools, what it writes to its standard error, its restarts. */
export default function McpServerPage(): ReactNode {
  const { name = '' } = useParams();
  const server = useQuery(queries.mcpServer(name));
  const mayRestart = useMay('mcp-servers:write');
  const queryClient = useQueryClient();
  const tell = useTell();
  return (
    <Page
      title={name}
      parent={{ label: 'MCP servers', to: '/mcp-servers' }}
      sentence={
        server.data && (
          <Facts>
            {[
              <LampWord key="lamp" lamp={serverLampOf(server.data.status)} />,
              counted(server.data.tools, 'tool'),
              server.data.restarts > 0 && counted(server.data.restarts, 'restart'),
              server.data.startedAt && (
                <span key="at">
                  started <Moment at={server.data.startedAt} />
                </span>
              ),
              <CopyId key="id" id={server.data.id} />,
            ]}
          </Facts>
        )
      }
      actions={
        server.data &&
        mayRestart && (
          <Confirm
            action="Restart server"
            keep="Keep it running"
            question={`Restart ${name}?`}
            onConfirm={async () => {
              await client.mcpServers.restart(name);
              await queryClient.invalidateQueries({ queryKey: ['mcp-server', name] });
              tell(`${name} is restarting.`);
            }}
          >
            <p>
              Calls to its {counted(server.data.tools, 'tool')} that are under way end with an error; new ones wait until it is ready again.
            </p>
          </Confirm>
        )
      }
    >
      <Loaded query={server} rows={8}>
        {(data) => (
          <Beside aside={<About server={data} />}>
            {data.statusReason && data.status !== 'ready' && (
              <Note tone={data.status === 'failed' ? 'stop' : 'caution'}>
                {data.statusReason}
                {data.nextAttemptAt && (
                  <>
                    {' '}
                    It is tried again <Moment at={data.nextAttemptAt} />.
                  </>
                )}
              </Note>
            )}
            <ServerTools name={name} />
            {data.transport === 'stdio' && (
              <Panel title="Standard error" note="the latest lines">
                {data.stderr.length === 0 ? (
                  <p className="quiet">It has written nothing.</p>
                ) : (
                  <Code text={data.stderr.join('\n')} label={`Standard error of ${name}`} max="short" />
                )}
              </Panel>
            )}
          </Beside>
        )}
      </Loaded>
    </Page>
  );
}

function About({ server }: { server: McpServerDetail }): ReactNode {
  return (
    <Panel title="About">
      <KeyValues
        rows={[
          ['Transport', server.transport],
          ['Containment', server.containment],
          ['Says it is', server.serverInfo && `${server.serverInfo.name} ${server.serverInfo.version}`],
          ['Restarts', String(server.restarts)],
          ['Started', <Moment key="started" at={server.startedAt} />],
          ['Created', <Moment key="created" at={server.createdAt} />],
          ['Changed', <Moment key="changed" at={server.updatedAt} />],
        ]}
      />
    </Panel>
  );
}

function ServerTools({ name }: { name: string }): ReactNode {
  const tools = useQuery(queries.tools());
  const rows = useMemo(() => tools.data?.filter(({ server }) => server === name), [tools.data, name]);
  return (
    <Panel title="Tools" note={rows?.length} flush>
      <Loaded query={{ ...tools, data: rows }}>
        {(data) => (
          <ToolsTable tools={data} withServer={false} empty={<Empty title="It offers no tools.">They appear when it is ready.</Empty>} />
        )}
      </Loaded>
    </Panel>
  );
}
