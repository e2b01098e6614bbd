import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Link } from 'react-router';
import { queries } from '../../api/queries.ts';
import { isCut, type WholeRun } from '../../api/shapes.ts';
import { allowanceOf, approvalOf, turnsOf, type Allowance, type Call, type ModelTurn, type Said } from '../../model/conversation.ts';
import { parseJson } from '../../model/json.ts';
import { lampOf } from '../../model/lamps.ts';
import { isOver, problemText } from '../../model/run.ts';
import { formatBytes, formatCount, formatUsd, inert } from '../../model/text.ts';
import { formatSpan } from '../../model/time.ts';
import { Button } from '../../parts/button.tsx';
import { useFastNow, useNow } from '../../parts/clock.ts';
import { Code, JsonCode } from '../../parts/code.tsx';
import { LampSign } from '../../parts/lamp.tsx';
import { Markdown } from '../../parts/markdown.tsx';
import { Note } from '../../parts/notes.tsx';
import { Panel } from '../../parts/panel.tsx';
import styles from './conversation.module.css';

interface ConversationProps {
  run: WholeRun;
  /** The key of a step with `llm`. */
  step: string;
  hrefOf: (step: string) => { search: string };
}

/** What a model was asked, what it answered and called, turn by turn, and how much of its limits that took. */
export default function Conversation({ run, step, hrefOf }: ConversationProps): ReactNode {
  const turns = turnsOf(run.steps, step);
  const fast = useFastNow(!isOver(run));
  const slow = useNow();
  const allowance = allowanceOf(turns, isOver(run) ? slow : fast);
  const label = turns[0]?.step.label ?? step;
  return (
    <Panel title={`Conversation of ${label}`} note={turns[0]?.step.model}>
      <Limits allowance={allowance} />
      <ol className={styles.turns} aria-label={`Turns of ${label}`}>
        {turns.map((turn) => (
          <Turn key={turn.step.key} run={run} turn={turn} hrefOf={hrefOf} />
        ))}
      </ol>
    </Panel>
  );
}

function Limits({ allowance: { turns, tokens, costUsd, timeMs, limits } }: { allowance: Allowance }): ReactNode {
  if (!limits) return null;
  const rows: [string, number, number | null, (value: number) => string][] = [
    ['Turns', turns, limits.turns, formatCount],
    ['Tokens', tokens, limits.tokens, formatCount],
    ['Cost', costUsd, limits.costUsd, formatUsd],
    ['Time', timeMs, limits.timeMs, formatSpan],
  ];
  return (
    <dl className={styles.limits}>
      {rows.map(([name, used, most, format]) => (
        <div key={name} className={styles.limit}>
          <dt>{name}</dt>
          <dd className="num">
            {format(used)}
            <span className="quiet">{most === null ? ', no limit' : ` of ${format(most)}`}</span>
            {most !== null && (
              <meter
                className={styles.meter}
                aria-label={`${name} used`}
                min={0}
                max={most}
                high={most * 0.8}
                value={Math.min(used, most)}
              />
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Turn({ run, turn, hrefOf }: { run: WholeRun; turn: ModelTurn; hrefOf: (step: string) => { search: string } }): ReactNode {
  const { step, number, said, answer, calls } = turn;
  const { usage, startedAt, endedAt, error } = step;
  const tokens = usage ? usage.inputTokens + usage.outputTokens : 0;
  const facts = [
    startedAt && endedAt ? formatSpan(Date.parse(endedAt) - Date.parse(startedAt)) : null,
    tokens > 0 ? `${formatCount(tokens)} tokens` : null,
    usage?.costUsd ? formatUsd(usage.costUsd) : null,
  ].filter((fact) => fact !== null);
  return (
    <li className={styles.turn}>
      {said.map((message, index) => (
        <Message key={index} message={message} />
      ))}
      <div className={styles.head}>
        <LampSign lamp={lampOf(step.status)} alone />
        <Link to={hrefOf(step.key)} replace preventScrollReset>
          Turn {number}
        </Link>
        <span className="quiet num">{facts.join(' · ')}</span>
      </div>
      {answer && (answer.isCut ? <WholeAnswer run={run} turn={turn} /> : <Answer text={answer.text} label={`Answer of turn ${number}`} />)}
      {error && (
        <Note tone="stop">
          {problemText(error)} {error.next && <span className="quiet">{error.next}</span>}
        </Note>
      )}
      {calls.length > 0 && (
        <ul className={styles.calls} aria-label={`Calls of turn ${number}`}>
          {calls.map((call) => (
            <CallOf key={call.step.key} run={run} call={call} hrefOf={hrefOf} />
          ))}
        </ul>
      )}
    </li>
  );
}

const roles: Record<string, string> = {
  system: 'Instructions',
  developer: 'Instructions',
  user: 'Asked',
  assistant: 'Answered',
  tool: 'Result',
};

function Message({ message: { role, text } }: { message: Said }): ReactNode {
  return (
    <div className={styles.said}>
      <span className={styles.role}>{roles[role] ?? role}</span>
      <p className={styles.text}>{inert(text)}</p>
    </div>
  );
}

/** Text, or the JSON that was asked for. */
function Answer({ text, label }: { text: string; label: string }): ReactNode {
  if (text.trim() === '') return null;
  const json = parseJson(text);
  const isForm = 'value' in json && typeof json.value === 'object' && json.value !== null;
  return isForm ? <JsonCode value={json.value} label={label} max="short" /> : <Markdown text={text} />;
}

function WholeAnswer({ run, turn: { step, answer } }: { run: WholeRun; turn: ModelTurn }): ReactNode {
  const [isAsked, ask] = useState(false);
  const whole = useQuery({ ...queries.runStep(run.id, step.key), enabled: isAsked });
  const text = (whole.data?.output as { text?: string } | undefined)?.text;
  if (text !== undefined) return <Answer text={text} label={`Answer of ${step.key}`} />;
  return (
    <>
      <Code text={answer?.text ?? ''} label={`Answer of ${step.key}`} max="short" />
      <Button small isPending={whole.isFetching} onPress={() => ask(true)}>
        Show the whole answer
      </Button>
    </>
  );
}

function CallOf({
  run,
  call: { step, name },
  hrefOf,
}: {
  run: WholeRun;
  call: Call;
  hrefOf: (step: string) => { search: string };
}): ReactNode {
  const [isOpen, open] = useState(false);
  const isCutOff = isCut(step.input) || isCut(step.output);
  const whole = useQuery({ ...queries.runStep(run.id, step.key), enabled: isOpen && isCutOff });
  const { input, output, error } = whole.data ?? step;
  const approval = approvalOf(step);
  const span = step.startedAt && step.endedAt ? formatSpan(Date.parse(step.endedAt) - Date.parse(step.startedAt)) : null;
  return (
    <li className={styles.call}>
      {approval !== null && (
        <p className={styles.asks}>
          It is called once somebody approves: <Link to={`/approvals/${encodeURIComponent(approval)}`}>answer</Link>
        </p>
      )}
      <details onToggle={({ currentTarget }) => open(currentTarget.open)}>
        <summary className={styles.summary}>
          <LampSign lamp={lampOf(step.status)} alone />
          <code className={styles.name}>{name}</code>
          <span className={styles.brief}>{inert(briefOf(step.input))}</span>
          <span className="quiet num">{span}</span>
        </summary>
        {input !== null && input !== undefined && <Value title="Arguments" value={input} />}
        {output !== null && output !== undefined && <Value title="Result" value={textOf(output)} />}
        {error && (
          <Note tone="stop">
            {problemText(error)} {error.next && <span className="quiet">{error.next}</span>}
          </Note>
        )}
        <Link to={hrefOf(step.key)} replace preventScrollReset>
          Attempts and log
        </Link>
      </details>
    </li>
  );
}

function Value({ title, value }: { title: string; value: unknown }): ReactNode {
  return (
    <div>
      <h3 className={styles.role}>{title}</h3>
      {isCut(value) ? (
        <Code text={`${value.preview}…\n[${formatBytes(value.bytes)}]`} label={title} max="short" />
      ) : (
        <JsonCode value={value} label={title} max="short" />
      )}
    </div>
  );
}

/** A result of one text alone, as tools give `{ text }`, reads as that text. */
function textOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const [only, more] = Object.values(value) as unknown[];
  return typeof only === 'string' && more === undefined ? only : value;
}

/** Arguments on one line, as far as there is room. */
function briefOf(input: unknown): string {
  if (input === null || input === undefined || isCut(input)) return '';
  return Object.entries(input)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
    .slice(0, 200);
}
