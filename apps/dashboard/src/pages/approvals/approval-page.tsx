import type { ApprovalDetail } from '@signalbox/sdk/client/approvals.js';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link, useParams } from 'react-router';
import { queries } from '../../api/queries.ts';
import { isCut } from '../../api/shapes.ts';
import { answerersText, approvalLampOf, deadlineText, endText, leftText } from '../../model/approvals.ts';
import { inert } from '../../model/text.ts';
import { useNow } from '../../parts/clock.ts';
import { Code, JsonCode } from '../../parts/code.tsx';
import { CopyId } from '../../parts/copy.tsx';
import { KeyValues } from '../../parts/key-values.tsx';
import { LampWord } from '../../parts/lamp.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Note } from '../../parts/notes.tsx';
import { Beside, Facts, Page } from '../../parts/page.tsx';
import { Panel } from '../../parts/panel.tsx';
import { AnswerForm } from './answer-form.tsx';
import styles from './approvals.module.css';

/** One approval: what is asked and shown, who may answer until when, and the answer or the form for it. */
export default function ApprovalPage(): ReactNode {
  const { id = '' } = useParams();
  const query = useQuery(queries.approval(id));
  const approval = query.data;
  return (
    <Page
      title={approval ? inert(approval.label) : 'Approval'}
      parent={{ label: 'Approvals', to: '/approvals' }}
      sentence={approval && <Sentence approval={approval} />}
    >
      <Loaded query={query} rows={8}>
        {(data) => (
          <Beside aside={<Answer approval={data} />}>
            <Panel title="What is asked">
              <p className={styles.asked}>{inert(data.message)}</p>
            </Panel>
            {data.shown !== null && (
              <Panel title="What is shown">
                <Shown value={data.shown} />
              </Panel>
            )}
            <Panel title="Where it stands">
              <About approval={data} />
            </Panel>
          </Beside>
        )}
      </Loaded>
    </Page>
  );
}

function Sentence({ approval }: { approval: ApprovalDetail }): ReactNode {
  const left = leftText(approval, useNow());
  const end = endText(approval);
  return (
    <Facts>
      {[
        <LampWord key="lamp" lamp={approvalLampOf(approval.status)}>
          {end ?? undefined}
        </LampWord>,
        left,
        end && <Moment key="end" at={approval.answeredAt} />,
        <span key="asked">
          asked <Moment at={approval.askedAt} />
        </span>,
        <CopyId key="id" id={approval.id} />,
      ]}
    </Facts>
  );
}

function Shown({ value }: { value: unknown }): ReactNode {
  if (isCut(value)) return <Code text={`${value.preview}…`} label="What is shown" />;
  return typeof value === 'string' ? <Code text={value} label="What is shown" /> : <JsonCode value={value} label="What is shown" />;
}

function About({ approval }: { approval: ApprovalDetail }): ReactNode {
  const { run, workflow, step, by, deadline, remindedAt, reminders, onDeadline, escalations, startedBy, status } = approval;
  return (
    <KeyValues
      rows={[
        [
          'Run',
          <Link key="run" to={`/runs/${run}?step=${encodeURIComponent(step)}`}>
            {workflow}, step {step}
          </Link>,
        ],
        ['Started by', startedBy],
        ['May answer', answerersText(by)],
        [
          'Asked next',
          status === 'open' && escalations.length > 0 ? (
            <ul key="next">
              {escalations.map(({ at, by: others }) => (
                <li key={`${at} ${answerersText(others)}`}>
                  {answerersText(others)}, <Moment at={at} />
                </li>
              ))}
            </ul>
          ) : null,
        ],
        ['Reminded', remindedAt && <Moment key="reminded" at={remindedAt} />],
        [
          'Reminds',
          status === 'open' && reminders.length > 0 ? (
            <ul key="reminders">
              {reminders.map((at) => (
                <li key={at}>
                  <Moment at={at} />
                </li>
              ))}
            </ul>
          ) : null,
        ],
        [
          'Deadline',
          deadline && (
            <span key="deadline">
              <Moment at={deadline} />
              {status === 'open' && `, ${deadlineText(onDeadline)}`}
            </span>
          ),
        ],
      ]}
    />
  );
}

function Answer({ approval }: { approval: ApprovalDetail }): ReactNode {
  const { status, mayAnswer, whyNot, comment, data } = approval;
  if (mayAnswer) return <AnswerForm key={approval.id} approval={approval} />;
  if (status === 'open') {
    return (
      <Panel title="Answer">
        <Note tone="dark">You may not answer this: {whyNot}.</Note>
      </Panel>
    );
  }
  return (
    <Panel title="Answer">
      <div className={styles.answer}>
        <LampWord lamp={approvalLampOf(status)}>{endText(approval)}</LampWord>
        {comment !== null && <p className={styles.asked}>{inert(comment)}</p>}
        {data !== null && <JsonCode value={data} label="Data of the answer" />}
      </div>
    </Panel>
  );
}
