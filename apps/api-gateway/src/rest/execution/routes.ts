import type { Type } from '@nestjs/common';
import { AcceptWorkRoute } from '../../workers/accept-work.route.ts';
import { BeatWorkRoute } from '../../workers/beat-work.route.ts';
import { CompleteWorkRoute } from '../../workers/complete-work.route.ts';
import { LeaseTasksRoute } from '../../workers/lease-tasks.route.ts';
import { AnswerApprovalRoute } from './answer-approval.route.ts';
import { ApplyWorkflowRoute } from './apply-workflow.route.ts';
import { CancelRunOperationRoute } from './cancel-run-operation.route.ts';
import { GetRunOperationRoute } from './get-run-operation.route.ts';
import { ListRunOperationsRoute } from './list-run-operations.route.ts';
import { ListLimitsRoute } from './list-limits.route.ts';
import { ListUsageRoute } from './list-usage.route.ts';
import { ListRunProblemsRoute } from './list-run-problems.route.ts';
import { StartRunOperationRoute } from './start-run-operation.route.ts';
import { CancelRunRoute } from './cancel-run.route.ts';
import { CompareRunsRoute } from './compare-runs.route.ts';
import { DeleteRunRoute } from './delete-run.route.ts';
import { DeleteWorkflowRoute } from './delete-workflow.route.ts';
import { ExportRunRoute } from './export-run.route.ts';
import { FollowRunRoute } from './follow-run.route.ts';
import { UpgradeRunRoute } from './upgrade-run.route.ts';
import { ForkRunRoute } from './fork-run.route.ts';
import { GetApprovalRoute } from './get-approval.route.ts';
import { GetRunStateRoute } from './get-run-state.route.ts';
import { GetRunRoute } from './get-run.route.ts';
import { GetStepRoute } from './get-step.route.ts';
import { GetWorkflowRoute } from './get-workflow.route.ts';
import { ImportRunRoute } from './import-run.route.ts';
import { InvokeAgentRoute } from './invoke-agent.route.ts';
import { ListApprovalsRoute } from './list-approvals.route.ts';
import { ListRunsRoute } from './list-runs.route.ts';
import { ListStepsRoute } from './list-steps.route.ts';
import { ListWorkflowVersionsRoute } from './list-workflow-versions.route.ts';
import { ListWorkflowsRoute } from './list-workflows.route.ts';
import { ReleaseRunRoute } from './release-run.route.ts';
import { ResolveStepRoute } from './resolve-step.route.ts';
import { SignalRunRoute } from './signal-run.route.ts';
import { StartRunRoute } from './start-run.route.ts';
import { WhyRunRoute } from './why-run.route.ts';
import { WhyStepRoute } from './why-step.route.ts';
import { ApplyBudgetRoute } from './apply-budget.route.ts';
import { ApplyScheduleRoute } from './apply-schedule.route.ts';
import { ApplyTriggerRoute } from './apply-trigger.route.ts';
import { DeleteBudgetRoute } from './delete-budget.route.ts';
import { DeleteScheduleRoute } from './delete-schedule.route.ts';
import { DeleteTriggerRoute } from './delete-trigger.route.ts';
import { GetBudgetRoute } from './get-budget.route.ts';
import { GetScheduleRoute } from './get-schedule.route.ts';
import { GetTriggerRoute } from './get-trigger.route.ts';
import { ListScheduleFiringsRoute } from './list-schedule-firings.route.ts';
import { ListBudgetsRoute } from './list-budgets.route.ts';
import { ListSchedulesRoute } from './list-schedules.route.ts';
import { ListTriggerFiringsRoute } from './list-trigger-firings.route.ts';
import { ListTriggersRoute } from './list-triggers.route.ts';
import { RestoreWorkflowRoute } from './restore-workflow.route.ts';
import { RevertWorkflowRoute } from './revert-workflow.route.ts';
import { ScaleBackWorkflowRoute } from './scale-back-workflow.route.ts';
import { PauseScheduleRoute } from './pause-schedule.route.ts';
import { PauseTriggerRoute } from './pause-trigger.route.ts';
import { PreviewScheduleRoute } from './preview-schedule.route.ts';
import { ReceiveHookRoute } from './receive-hook.route.ts';
import { ResumeScheduleRoute } from './resume-schedule.route.ts';
import { ResumeTriggerRoute } from './resume-trigger.route.ts';
import { RunScheduleRoute } from './run-schedule.route.ts';

/** The REST routes of `execution`: one controller an operation, `<operation>.route.ts`. */
export const executionRoutes: Type[] = [
  AcceptWorkRoute,
  AnswerApprovalRoute,
  ApplyWorkflowRoute,
  BeatWorkRoute,
  CancelRunOperationRoute,
  GetRunOperationRoute,
  ListRunOperationsRoute,
  ListLimitsRoute,
  ListUsageRoute,
  ListRunProblemsRoute,
  StartRunOperationRoute,
  CancelRunRoute,
  CompareRunsRoute,
  CompleteWorkRoute,
  DeleteRunRoute,
  DeleteWorkflowRoute,
  ExportRunRoute,
  FollowRunRoute,
  ForkRunRoute,
  UpgradeRunRoute,
  GetApprovalRoute,
  GetRunRoute,
  GetRunStateRoute,
  GetStepRoute,
  GetWorkflowRoute,
  ImportRunRoute,
  InvokeAgentRoute,
  LeaseTasksRoute,
  ListApprovalsRoute,
  ListRunsRoute,
  ListStepsRoute,
  ListWorkflowVersionsRoute,
  ListWorkflowsRoute,
  ReleaseRunRoute,
  ResolveStepRoute,
  SignalRunRoute,
  StartRunRoute,
  WhyRunRoute,
  WhyStepRoute,
  ApplyBudgetRoute,
  ApplyScheduleRoute,
  ApplyTriggerRoute,
  DeleteBudgetRoute,
  DeleteScheduleRoute,
  DeleteTriggerRoute,
  GetBudgetRoute,
  GetScheduleRoute,
  GetTriggerRoute,
  ListScheduleFiringsRoute,
  ListBudgetsRoute,
  ListSchedulesRoute,
  ListTriggerFiringsRoute,
  ListTriggersRoute,
  ScaleBackWorkflowRoute,
  RestoreWorkflowRoute,
  RevertWorkflowRoute,
  PauseScheduleRoute,
  PauseTriggerRoute,
  PreviewScheduleRoute,
  ReceiveHookRoute,
  ResumeScheduleRoute,
  ResumeTriggerRoute,
  RunScheduleRoute,
];
