import type { Tool, ToolResult } from '@signalbox/sdk/client/tools.js';
import { useMutation, useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useParams } from 'react-router';
import { client } from '../../api/client.ts';
import { queries } from '../../api/queries.ts';
import type { Json } from '../../api/shapes.ts';
import { lampOf } from '../../model/lamps.ts';
import { inert } from '../../model/text.ts';
import { formatSpan } from '../../model/time.ts';
import { toolClaims } from '../../model/tool-claims.ts';
import { Chip } from '../../parts/chip.tsx';
import { Code, JsonCode } from '../../parts/code.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Empty, ProblemNote } from '../../parts/notes.tsx';
import { Beside, Facts, Page } from '../../parts/page.tsx';
import { Panel, PanelPart } from '../../parts/panel.tsx';
import { SchemaForm } from '../../parts/schema-form.tsx';
import { useMay } from '../../shell/who.ts';
import styles from './tools.module.css';

/** One tool: what it takes and gives, and a form that calls it. */
export default function ToolPage(): ReactNode {
  const { server = '', tool: name = '' } = useParams();
  const tools = useQuery(queries.tools());
  const tool = tools.data?.find((each) => each.server === server && each.name === name);
  return (
    <Page
      title={name}
      parent={{ label: server, to: `/mcp-servers/${encodeURIComponent(server)}` }}
      sentence={
        tool && (
          <>
            {inert(tool.description || tool.title || 'It does not say what it does.')}{' '}
            {toolClaims(tool.annotations).map(({ word, isHarmful }) => (
              <Chip key={word} tone={isHarmful ? 'caution' : 'plain'} title="The server’s own claim">
                {word}
              </Chip>
            ))}
          </>
        )
      }
    >
      <Loaded query={tools} rows={8}>
        {() => (tool ? <ToolViews key={`${server}/${name}`} tool={tool} /> : <Gone server={server} />)}
      </Loaded>
    </Page>
  );
}

function Gone({ server }: { server: string }): ReactNode {
  return (
    <Panel flush>
      <Empty title={`${server} offers no such tool.`}>It may have been renamed, or the server is not ready.</Empty>
    </Panel>
  );
}

function ToolViews({ tool }: { tool: Tool }): ReactNode {
  const mayCall = useMay('tools:call');
  const call = useMutation({
    mutationFn: async (args: Json) => {
      const begun = performance.now();
      const result = await client.tools.call(tool.server, tool.name, args as Record<string, unknown>);
      return { result, tookMs: performance.now() - begun };
    },
  });
  return (
    <Beside
      aside={
        <Panel title="Schema" flush>
          <PanelPart title="Input">
            <JsonCode value={tool.inputSchema} label="Input schema" />
          </PanelPart>
          {tool.outputSchema && (
            <PanelPart title="Output">
              <JsonCode value={tool.outputSchema} label="Output schema" />
            </PanelPart>
          )}
        </Panel>
      }
    >
      {mayCall && (
        <Panel title="Call it">
          <SchemaForm
            schema={tool.inputSchema}
            action={`Call ${tool.name}`}
            isPending={call.isPending}
            onSubmit={(args) => call.mutate(args)}
          />
        </Panel>
      )}
      {call.error && <ProblemNote error={call.error} />}
      {call.data && !call.isPending && <Result {...call.data} />}
    </Beside>
  );
}

function Result({ result, tookMs }: { result: ToolResult; tookMs: number }): ReactNode {
  return (
    <Panel
      title="Answer"
      note={
        <Facts>
          {[
            <LampWord
              key="lamp"
              lamp={{ ...lampOf(result.isError ? 'failed' : 'succeeded'), word: result.isError ? 'Says it failed' : 'Answered' }}
            />,
            formatSpan(tookMs),
          ]}
        </Facts>
      }
    >
      <div className={styles.blocks}>
        {result.content.map((block, i) => (
          // An answer's parts have no identity but their place.
          <Block key={i} block={block} />
        ))}
        {result.structuredContent !== undefined && <JsonCode value={result.structuredContent} label="Structured content" />}
        {result.content.length === 0 && result.structuredContent === undefined && <p className="quiet">It answered with nothing.</p>}
      </div>
    </Panel>
  );
}

/** Images that a browser draws without running anything; SVG is not among them. */
const drawn = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

function Block({ block }: { block: ToolResult['content'][number] }): ReactNode {
  const { type, text, data, mimeType } = block as { type: string; text?: unknown; data?: unknown; mimeType?: unknown };
  if (type === 'text' && typeof text === 'string') return <Code text={text} label="Text of the answer" />;
  if (type === 'image' && typeof data === 'string' && typeof mimeType === 'string' && drawn.has(mimeType)) {
    return <img className={styles.image} src={`data:${mimeType};base64,${data}`} alt="Given by the tool" />;
  }
  return <JsonCode value={block} label={`Part of kind ${type}`} max="short" />;
}
