import { useQuery } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import { lazy, Suspense, useState, type ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { onText, stateLamp } from '../../model/schedules.ts';
import { inert } from '../../model/text.ts';
import { Button } from '../../parts/button.tsx';
import { Command } from '../../parts/copy.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded, Placeholder } from '../../parts/loaded.tsx';
import { Empty, Note } from '../../parts/notes.tsx';
import { Beside, Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { useMay } from '../../shell/who.ts';
import { FiringsTable } from './firings-table.tsx';
import { Delete, PauseOrResume } from './levers.tsx';
import { TriggerForm } from './trigger-form.tsx';

const Manifest = lazy(() => import('../../parts/manifest.tsx'));

/** One trigger: what it hears, its hook, what it did. */
export default function TriggerPage(): ReactNode {
  const { name = '' } = useParams();
  const trigger = useQuery(queries.trigger(name));
  const firings = useQuery(queries.triggerFirings(name));
  const mayApply = useMay('schedules:write');
  const mayWrite = useMay('runs:write') && mayApply;
  const [isEditing, setEditing] = useState(false);
  const { data } = trigger;
  return (
    <Page
      title={name}
      parent={{ label: 'Triggers', to: '/schedules?view=triggers' }}
      sentence={
        data && (
          <>
            {data.description && <div>{inert(data.description)}</div>}
            <Facts>
              {[
                <LampWord key="state" lamp={stateLamp(data.state)} />,
                `starts ${data.workflow} on ${onText(data)}`,
                data.state === 'paused' && `paused by ${data.pausedBy ?? ''}${data.pausedReason ? `: ${inert(data.pausedReason)}` : ''}`,
              ]}
            </Facts>
          </>
        )
      }
      actions={
        data && (
          <>
            <PauseOrResume kind="triggers" name={name} state={data.state} />
            {mayWrite && (
              <Button onPress={() => setEditing(true)}>
                <Pencil size={15} aria-hidden />
                Edit
              </Button>
            )}
            <Delete kind="triggers" name={name} />
          </>
        )
      }
    >
      <Loaded query={trigger} rows={8}>
        {(found) => (
          <Beside
            aside={
              <>
                {found.hook !== null && (
                  <Panel title="Hook">
                    <p className="quiet">Send a signed POST to this address; the documentation says how it is signed.</p>
                    <Command text={`${location.origin}/api/v1/hooks/${found.hook}`} />
                  </Panel>
                )}
                <Panel title="How">
                  <KeyValues
                    rows={[
                      [
                        'Workflow',
                        <Link key="w" to={`/workflows/${encodeURIComponent(found.workflow)}`}>
                          {found.workflow}
                        </Link>,
                      ],
                      ['Starts on', onText(found)],
                      ['That ended', found.manifest.spec.on.runEnded?.status?.join(' or ')],
                      ['If', found.manifest.spec.if],
                      ['Rights of', found.appliedBy],
                    ]}
                  />
                </Panel>
              </>
            }
          >
            {found.last?.outcome === 'failed' && <Note tone="stop">The last event started nothing: {found.last.reason}</Note>}
            <Panel title="History" note="the last 500" flush>
              <Loaded query={firings}>
                {(rows) => (
                  <FiringsTable
                    firings={rows}
                    empty={<Empty title="Nothing yet.">What it hears, and the run that it starts for it, stand here.</Empty>}
                  />
                )}
              </Loaded>
            </Panel>
            <Panel title="Definition">
              <Suspense fallback={<Placeholder />}>
                <Manifest value={found.manifest} name={name} />
              </Suspense>
            </Panel>
          </Beside>
        )}
      </Loaded>
      {isEditing && data && <TriggerForm known={data} onClose={() => setEditing(false)} />}
    </Page>
  );
}
