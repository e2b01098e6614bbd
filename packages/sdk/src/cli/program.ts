import { Command, CommanderError } from 'commander';
import { addAgents } from './commands/agents.ts';
import { addScale } from './commands/scale.ts';
import { addApply } from './commands/apply.ts';
import { addApprovals } from './commands/approvals.ts';
import { addArtifact, addReport } from './commands/artifact.ts';
import { addAudit } from './commands/audit.ts';
import { addBoard } from './commands/board.ts';
import { addCall } from './commands/call.ts';
import { addCancel } from './commands/cancel.ts';
import { addDiff } from './commands/diff.ts';
import { addEvals } from './commands/evals.ts';
import { addEvidence } from './commands/evidence.ts';
import { addExport } from './commands/export.ts';
import { addGates } from './commands/gates.ts';
import { addFork } from './commands/fork.ts';
import { addUsage } from './commands/usage.ts';
import { addUpgrade } from './commands/upgrade.ts';
import { addRelease } from './commands/release.ts';
import { addResolve } from './commands/resolve.ts';
import { addSignal } from './commands/signal.ts';
import { addCompare } from './commands/compare.ts';
import { addChannels } from './commands/channels.ts';
import { addCompletion } from './commands/completion.ts';
import { addDeploy } from './commands/deploy.ts';
import { addDrift } from './commands/drift.ts';
import { addAck, addClose, addIncidents, addNote } from './commands/incidents.ts';
import { addIsolate, addIsolations, addRecover, addUnisolate } from './commands/isolations.ts';
import { addKeys } from './commands/keys.ts';
import { addBudgets } from './commands/budgets.ts';
import { addKpis, addObjectives } from './commands/kpis.ts';
import { addLimits } from './commands/limits.ts';
import { addLogs } from './commands/logs.ts';
import { addNotificationRules, addNotifications } from './commands/notifications.ts';
import { addBackup, addDb, addNats, addRestore } from './commands/operate.ts';
import { addProblems } from './commands/problems.ts';
import { addRollouts } from './commands/rollouts.ts';
import { addRun } from './commands/run.ts';
import { addRuns } from './commands/runs.ts';
import { addReviews, addSignOff } from './commands/reviews.ts';
import { addSchema } from './commands/schema.ts';
import { addSchedules } from './commands/schedules.ts';
import { addSecrets } from './commands/secrets.ts';
import { addServers } from './commands/servers.ts';
import { addDemote, addPromote, addStages } from './commands/stages.ts';
import { addStatus } from './commands/status.ts';
import { addTest } from './commands/test.ts';
import { addTools } from './commands/tools.ts';
import { addValidate } from './commands/validate.ts';
import { addTriggers } from './commands/triggers.ts';
import { addVerify } from './commands/verify.ts';
import { addVersion } from './commands/version.ts';
import { addWorkflow } from './commands/workflow.ts';
import { addWhy } from './commands/why.ts';
import { addWhoami } from './commands/whoami.ts';
import { exitCode } from './exit-codes.ts';
import { tell, wordsOf } from './failure.ts';
import type { Io } from './io.ts';
import { Out } from './out.ts';
import { bold, dim, line, red } from './text/styled.ts';
import { version } from './version.ts';

/** Runs one command line (without program names) and gives its exit code. Never throws. */
export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  const program = programOf(io);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode.ok;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCode.ok;
    return sayFailure(error, argv, io);
  }
}

function programOf(io: Io): Command {
  const program = new Command('signalbox')
    .description('The command line of Signalbox, the control plane for AI agents.')
    .option('--url <url>', 'the gateway; else SIGNALBOX_URL, else the local stack')
    .option('--data <folder>', 'the data folder of the local stack; else SIGNALBOX_DATA, else .signalbox here, above or in the clone')
    .option('--json', 'print JSON')
    .option('--no-color', 'print without colour; also by NO_COLOR')
    .version(version, '-V, --version')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => undefined,
    })
    .addHelpText(
      'after',
      `
Environment: SIGNALBOX_URL, SIGNALBOX_API_KEY, SIGNALBOX_DATA, DATABASE_URL (backup, restore, db), NO_COLOR
Exit codes:  0 ok, 1 failed, 2 usage, 3 cannot reach, 4 not allowed, 5 not found, 6 conflict, 7 over a limit, 8 timeout, 130 interrupted`,
    );
  const parts = [
    [
      'Look:',
      [
        addStatus,
        addBoard,
        addDrift,
        addAgents,
        addScale,
        addServers,
        addTools,
        addWorkflow,
        addRuns,
        addWhy,
        addCompare,
        addProblems,
        addIncidents,
        addIsolations,
        addBudgets,
        addUsage,
        addKpis,
        addLimits,
        addLogs,
        addSchedules,
        addTriggers,
        addNotifications,
      ],
    ],
    [
      'Act:',
      [addApply, addExport, addDeploy, addRun, addFork, addUpgrade, addSignal, addApprovals, addResolve, addRelease, addCancel, addCall],
    ],
    ['Recover:', [addIsolate, addUnisolate, addRecover, addAck, addNote, addClose]],
    ['Write workflows:', [addValidate, addTest, addDiff, addSchema]],
    ['Results:', [addReport, addArtifact]],
    ['Promote:', [addStages, addPromote, addDemote, addGates, addEvidence, addEvals, addRollouts, addReviews, addSignOff]],
    ['Notify:', [addChannels, addNotificationRules, addObjectives]],
    ['Govern:', [addKeys, addSecrets, addAudit, addVerify]],
    ['Operate:', [addBackup, addRestore, addDb, addNats]],
    ['Other:', [addWhoami, addCompletion, addVersion]],
  ] as const;
  for (const [heading, adds] of parts) {
    program.commandsGroup(heading);
    for (const add of adds) add(program, io);
  }
  return program;
}

function sayFailure(error: unknown, argv: readonly string[], io: Io): number {
  const told = tell(error);
  const out = new Out(io, { json: argv.includes('--json'), color: !argv.includes('--no-color') });
  if (out.isJson) {
    const { code, message, next, errors } = told;
    io.stderr.write(`${JSON.stringify({ error: { code, message, ...(next && { next }), ...(errors.length > 0 && { errors }) } })}\n`);
    return told.exit;
  }
  const lines = [line`${red('error')}: ${told.message.replace(/^error: /, '')}`];
  for (const fault of told.errors) {
    // A single fault stands in the message already.
    const { place, text } = wordsOf(fault);
    if (!told.message.includes(`${place}: ${text}`)) lines.push(line`  ${bold(place)}: ${text}`);
  }
  if (told.next) lines.push(line`  ${dim('next:')} ${told.next}`);
  else if (error instanceof CommanderError) lines.push(line`  ${dim('next:')} signalbox --help, or signalbox COMMAND --help`);
  out.note(...lines);
  return told.exit;
}
