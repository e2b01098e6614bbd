import type { Eval, EvalResult, EvalStatus } from '@signalbox/shared/contracts/registry/eval.js';
import type { EvalAttempt, EvalGrade, EvalOutcome } from '@signalbox/shared/contracts/registry/list-eval-attempts.js';
import type { Stage } from '@signalbox/shared/contracts/registry/stage.js';
import { Fault } from '@signalbox/shared/errors/fault.js';
import { fromUuid } from '@signalbox/shared/ids/ids.js';
import type { EvalCase, EvalSuiteManifest } from '../manifests/manifest.ts';
import type { PinnedGrader } from './eval-workflow.ts';

/** A row of `eval`. */
export interface EvalRow {
  workspace: string;
  id: string;
  suite: string;
  suite_name: string;
  suite_version: number;
  agent: string;
  agent_name: string;
  agent_version: number;
  status: EvalStatus;
  reason: string | null;
  run: string | null;
  cases: number;
  repeats: number;
  confidence: number;
  against: Stage;
  graders: PinnedGrader[];
  /** Recorded calls or runs that are its cases; null: those of the suite. */
  recorded: EvalCase[] | null;
  /** The right to act for who started it; null once it has ended. */
  bearer: string | null;
  result: EvalResult | null;
  evidence: string | null;
  by_principal: string;
  by_name: string;
  created_at: Date;
  ended_at: Date | null;
}

/** A row of `eval_attempt`. */
export interface AttemptRow {
  number: number;
  case_index: number;
  case_name: string;
  repeat: number;
  outcome: EvalOutcome;
  score: number;
  grades: EvalGrade[];
  error: string | null;
  duration_ms: number | null;
  output: string;
  run: string | null;
}

/** `not_found`: as if nothing had that name. */
export function unknownEval(id: string): Fault {
  return new Fault('not_found', `there is no eval ${id}`, 'List them: signalbox evals.');
}

/** A suite as it is put. */
export type SuiteWithCases = EvalSuiteManifest & { spec: { cases: EvalCase[] } };

/** The suite of an eval, with the recorded calls that are its cases, where they are. */
export function suiteOf({ recorded }: Pick<EvalRow, 'recorded'>, manifest: EvalSuiteManifest): SuiteWithCases {
  return { ...manifest, spec: { ...manifest.spec, cases: recorded ?? manifest.spec.cases ?? [] } };
}

/** An eval as it is shown. */
export function evalView(row: EvalRow): Eval {
  return {
    id: fromUuid('eval', row.id),
    suite: row.suite_name,
    suiteVersion: row.suite_version,
    agent: row.agent_name,
    version: row.agent_version,
    status: row.status,
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.run !== null && { run: row.run }),
    cases: row.cases,
    repeats: row.repeats,
    confidence: row.confidence,
    against: row.against,
    ...(row.result !== null && { result: { ...row.result } }),
    ...(row.evidence !== null && { evidence: fromUuid('evidence', row.evidence) }),
    by: row.by_principal,
    byName: row.by_name,
    createdAt: row.created_at.toISOString(),
    ...(row.ended_at !== null && { endedAt: row.ended_at.toISOString() }),
  };
}

/** An attempt as it is shown, with its case. */
export function attemptView(row: AttemptRow, { spec }: SuiteWithCases): EvalAttempt {
  const { input = {}, expected, labels = {} } = spec.cases[row.case_index]!;
  return {
    case: row.case_name,
    repeat: row.repeat,
    labels: { ...labels },
    outcome: row.outcome,
    score: row.score,
    grades: row.grades.map((grade) => ({ ...grade })),
    ...(row.error !== null && { error: row.error }),
    ...(row.duration_ms !== null && { durationMs: row.duration_ms }),
    input,
    ...(expected !== undefined && { expected }),
    output: row.output,
    ...(row.run !== null && { run: row.run }),
  };
}
