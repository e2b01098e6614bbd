import type { Artifact } from '@signalbox/sdk/client/artifacts.js';
import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import type { ReactNode } from 'react';
import { queries } from '../../api/queries.ts';
import { isCut, type WholeRun } from '../../api/shapes.ts';
import { isOver, problemText } from '../../model/run.ts';
import { formatBytes } from '../../model/text.ts';
import { Code, JsonCode } from '../../parts/code.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Markdown } from '../../parts/markdown.tsx';
import { Empty, Note } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import styles from './run.module.css';

/** Larger reports are downloaded, not drawn. */
const drawnMax = 400_000;

/** What came out of a run: its reports as they read, its other artifacts to download, its output. */
export default function ResultView({ run }: { run: WholeRun }): ReactNode {
  const artifacts = useQuery(queries.runArtifacts(run.id));
  const reports = artifacts.data?.filter(isReport) ?? [];
  const hasOutput = run.output !== null && run.output !== undefined;
  return (
    <>
      {run.error && <Note tone="stop">{problemText(run.error)}</Note>}
      {reports.map((artifact) => (
        <Report key={artifact.id} artifact={artifact} />
      ))}
      {hasOutput && (
        <Panel title="Output">
          {isCut(run.output) ? <Code text={`${run.output.preview}…`} label="Output" /> : <JsonCode value={run.output} label="Output" />}
        </Panel>
      )}
      <Loaded query={artifacts} rows={2}>
        {(data) =>
          data.length > 0 ? (
            <Panel title="Artifacts" note={data.length} flush>
              <ul>
                {data.map((artifact) => (
                  <ArtifactLine key={artifact.id} artifact={artifact} />
                ))}
              </ul>
            </Panel>
          ) : hasOutput || run.error ? null : (
            <Panel title="Result" flush>
              <Empty title={isOver(run) ? 'This run gave nothing back.' : 'Nothing yet.'}>
                {isOver(run)
                  ? 'Its workflow has no outputs, or it ended before them.'
                  : 'What the run gives back appears here when it ends.'}
              </Empty>
            </Panel>
          )
        }
      </Loaded>
    </>
  );
}

function isReport({ mediaType, size }: Artifact): boolean {
  return /^text\/(?:markdown|x-markdown|plain)\b/.test(mediaType) && size <= drawnMax;
}

function contentHref(id: string): string {
  return `/api/v1/artifacts/${encodeURIComponent(id)}/content`;
}

function Report({ artifact }: { artifact: Artifact }): ReactNode {
  const text = useQuery(queries.artifactText(artifact.id));
  return (
    <Panel
      title={artifact.name}
      note={formatBytes(artifact.size)}
      actions={
        <a className={styles.download} href={contentHref(artifact.id)} download={artifact.name}>
          <Download size={15} aria-hidden />
          Download
        </a>
      }
    >
      <Loaded query={text} rows={8}>
        {(content) =>
          artifact.mediaType.includes('markdown') ? <Markdown text={content} /> : <Code text={content} label={artifact.name} />
        }
      </Loaded>
    </Panel>
  );
}

function ArtifactLine({ artifact }: { artifact: Artifact }): ReactNode {
  return (
    <li className={styles.artifact}>
      <a href={contentHref(artifact.id)} download={artifact.name}>
        {artifact.name}
      </a>
      <span className="quiet">{artifact.mediaType}</span>
      <span className="quiet num">{formatBytes(artifact.size)}</span>
      <CopyId id={artifact.id} />
    </li>
  );
}
