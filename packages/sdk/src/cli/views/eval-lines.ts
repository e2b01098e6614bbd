import type { Eval, EvalAttempt, EvalInterval, EvalResult } from '../../client/evals.ts';
import { duration } from '../text/figures.ts';
import { bold, dim, join, line } from '../text/styled.ts';
import type { Styled } from '../text/styled.ts';
import { lamp } from './lamps.ts';

/** Values of a case are cut to this. */
const valueMax = 300;

/** What an eval found out. */
export function evalLines({
  id,
  suite,
  suiteVersion,
  agent,
  version,
  status,
  reason,
  run,
  cases,
  repeats,
  confidence,
  result,
}: Eval): Styled[] {
  const of = `${cases} cases${repeats > 1 ? `, each ${repeats} times` : ''}`;
  return [
    line`${bold(`${agent}@${version}`)}  ${suite} ${dim(`version ${suiteVersion}, ${of}`)}`,
    line`${id} ${status}${reason === undefined ? '' : `: ${reason}`}${run === undefined ? '' : dim(`  ${run}`)}`,
    ...(result === undefined ? [] : resultLines(result, confidence)),
  ];
}

function resultLines(
  { score, passRate, attempts, passed, errors, diverged = 0, latencyP95Ms, usage, graders, comparison, note }: EvalResult,
  confidence: number,
): Styled[] {
  const sure = `${rateText(confidence)} sure`;
  const tokens = usage.inputTokens + usage.outputTokens;
  return [
    line`  passed  ${bold(rateText(passRate.value))}  ${dim(`${rangeText(passRate)}, ${sure}; ${passed} of ${attempts}${errors > 0 ? `, ${errors} failed calls` : ''}`)}`,
    line`  score   ${bold(rateText(score.value))}  ${dim(`${rangeText(score)}, ${sure}`)}`,
    ...(graders.length > 1
      ? graders.map(
          (each) => line`          ${rateText(each.score)}  ${each.grader}${each.version === undefined ? '' : dim(`@${each.version}`)}`,
        )
      : []),
    ...(diverged > 0
      ? [line`  ${lamp('waiting')} ${`${diverged} of ${attempts + diverged}`} runs asked what was not recorded, and are not graded`]
      : []),
    ...(latencyP95Ms === undefined ? [] : [line`  took    ${dim(`95 of 100 at most ${duration(latencyP95Ms)}`)}`]),
    ...(tokens > 0 ? [line`  used    ${dim(`${tokens} tokens, ${usage.costUsd.toFixed(4)} USD`)}`] : []),
    ...(comparison === undefined ? [] : [line`  ${lamp(comparison.verdict === 'worse' ? 'failed' : 'done')} ${verdictText(comparison)}`]),
    ...(note === undefined ? [] : [line`  ${dim(note)}`]),
  ];
}

function verdictText({ version, stage, change, pValue, verdict }: NonNullable<EvalResult['comparison']>): string {
  const than = version === undefined ? 'what was recorded' : `version ${version}, which is at ${stage ?? ''}`;
  const by = `${change.value >= 0 ? '+' : ''}${points(change.value)} points (${points(change.low)} to ${points(change.high)}), p = ${Number(pValue.toPrecision(2))}`;
  return verdict === 'same' ? `no difference to ${than}, that could not be chance: ${by}` : `${verdict} than ${than}: ${by}`;
}

/** One attempt, with what was asked, expected and answered. */
export function attemptLines({ case: name, repeat, outcome, score, grades, error, input, expected, output, run }: EvalAttempt): Styled[] {
  const isDiverged = outcome === 'diverged';
  const why =
    error === undefined
      ? grades.flatMap((grade) => (grade.score < 1 ? [`${grade.grader}: ${grade.reason ?? rateText(grade.score)}`] : []))
      : [error];
  return [
    join([]),
    line`${lamp(outcome === 'passed' ? 'done' : isDiverged ? 'waiting' : 'failed')} ${bold(name)}${repeat > 1 ? dim(` (${repeat})`) : ''}  ${isDiverged ? 'diverged' : rateText(score)}`,
    ...why.map((each) => line`    ${each}`),
    line`    ${dim('asked    ')}${cut(JSON.stringify(input))}`,
    ...(expected === undefined ? [] : [line`    ${dim('expected ')}${cut(JSON.stringify(expected))}`]),
    ...(error === undefined ? [line`    ${dim('answered ')}${cut(output)}`] : []),
    ...(run === undefined ? [] : [line`    ${dim('compare  ')}signalbox compare ${name.split(' ', 1)[0] ?? ''} ${run}`]),
  ];
}

/** `87.5 %`. */
export function rateText(value: number): string {
  return `${Number((value * 100).toFixed(1))} %`;
}

function rangeText({ low, high }: EvalInterval): string {
  return `${rateText(low)} to ${rateText(high)}`;
}

function points(value: number): string {
  return String(Number((value * 100).toFixed(1)));
}

function cut(text: string): string {
  return text.length > valueMax ? `${text.slice(0, valueMax - 1)}…` : text;
}
