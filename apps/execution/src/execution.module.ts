import { Module } from '@nestjs/common';
import { loadConfig } from '@signalbox/shared/config/config.js';
import { SystemDatabase, WorkspaceDatabase } from '@signalbox/shared/database/workspace-database.js';
import { ServiceModule } from '@signalbox/shared/service/service-module.js';
import { AnswerApprovalHandler } from './approvals/answer-approval.handler.ts';
import { ApprovalFinder } from './approvals/approval-finder.ts';
import { ApprovalStore } from './approvals/approval.store.ts';
import { GetApprovalHandler } from './approvals/get-approval.handler.ts';
import { ListApprovalsHandler } from './approvals/list-approvals.handler.ts';
import { AcceptTaskHandler } from './dispatch/accept-task.handler.ts';
import { AcceptWorkHandler } from './dispatch/accept-work.handler.ts';
import { AgentChangesHandler } from './dispatch/agent-changes.handler.ts';
import { AskTasksHandler } from './dispatch/ask-tasks.handler.ts';
import { BeatTasksHandler } from './dispatch/beat-tasks.handler.ts';
import { BeatWorkHandler } from './dispatch/beat-work.handler.ts';
import { CompleteTaskHandler } from './dispatch/complete-task.handler.ts';
import { CompleteWorkHandler } from './dispatch/complete-work.handler.ts';
import { Completion } from './dispatch/completion.ts';
import { LeaseTasksHandler } from './dispatch/lease-tasks.handler.ts';
import { TellQueueHandler } from './dispatch/tell-queue.handler.ts';
import { KeptLimits } from './limits/kept-limits.ts';
import { ListKeptLimitsHandler } from './limits/list-kept-limits.handler.ts';
import { ListLimitsHandler } from './limits/list-limits.handler.ts';
import { GrantPlacesHandler } from './limits/grant-places.handler.ts';
import { TakePlaceHandler } from './limits/take-place.handler.ts';
import { ExecutionConfig } from './execution.config.ts';
import { WhyQueuedHandler } from './dispatch/why-queued.handler.ts';
import { AboveBudgets } from './budgets/above-budgets.ts';
import { ApplyBudgetHandler } from './budgets/apply-budget.handler.ts';
import { BudgetLedger } from './budgets/budget-ledger.ts';
import { BudgetStore } from './budgets/budget.store.ts';
import { DeleteBudgetHandler } from './budgets/delete-budget.handler.ts';
import { GetBudgetHandler } from './budgets/get-budget.handler.ts';
import { ListBudgetsHandler } from './budgets/list-budgets.handler.ts';
import { ModelPrices } from './budgets/model-prices.ts';
import { CancelRunOperationHandler } from './operations/cancel-run-operation.handler.ts';
import { GetRunOperationHandler } from './operations/get-run-operation.handler.ts';
import { ListRunOperationsHandler } from './operations/list-run-operations.handler.ts';
import { OperationRunner } from './operations/operation-runner.ts';
import { OperationStore } from './operations/operation.store.ts';
import { StartRunOperationHandler } from './operations/start-run-operation.handler.ts';
import { CancelRunHandler } from './runs/cancel-run.handler.ts';
import { DeleteRunHandler } from './runs/delete-run.handler.ts';
import { UpgradeRunHandler } from './runs/upgrade-run.handler.ts';
import { ExportRunHandler } from './runs/export-run.handler.ts';
import { ForkRunHandler } from './runs/fork-run.handler.ts';
import { ReleaseRunHandler } from './runs/release-run.handler.ts';
import { ResolveStepHandler } from './runs/resolve-step.handler.ts';
import { SignalRunHandler } from './runs/signal-run.handler.ts';
import { CompareRunsHandler } from './runs/compare-runs.handler.ts';
import { GetRunStateHandler } from './runs/get-run-state.handler.ts';
import { GetRunHandler } from './runs/get-run.handler.ts';
import { GetStepHandler } from './runs/get-step.handler.ts';
import { ImportRunHandler } from './runs/import-run.handler.ts';
import { ImportStore } from './runs/import.store.ts';
import { InvokeAgentHandler } from './runs/invoke-agent.handler.ts';
import { ListRunEventsHandler } from './runs/list-run-events.handler.ts';
import { ListRunProblemsHandler } from './runs/list-run-problems.handler.ts';
import { ListRunsHandler } from './runs/list-runs.handler.ts';
import { ListCallsHandler } from './runs/list-calls.handler.ts';
import { ListRecordedRunsHandler } from './runs/list-recorded-runs.handler.ts';
import { ListOutputsHandler } from './runs/list-outputs.handler.ts';
import { ListStepsHandler } from './runs/list-steps.handler.ts';
import { RunEnds } from './runs/run-ends.ts';
import { RunFinder } from './runs/run-finder.ts';
import { RunStarter } from './runs/run-starter.ts';
import { RunStore } from './runs/run.store.ts';
import { StartDefinitionHandler } from './runs/start-definition.handler.ts';
import { StartRunHandler } from './runs/start-run.handler.ts';
import { WhyRunHandler } from './runs/why-run.handler.ts';
import { ApplyScheduleHandler } from './schedules/apply-schedule.handler.ts';
import { DeleteScheduleHandler } from './schedules/delete-schedule.handler.ts';
import { GetScheduleHandler } from './schedules/get-schedule.handler.ts';
import { ListScheduleFiringsHandler } from './schedules/list-schedule-firings.handler.ts';
import { ListSchedulesHandler } from './schedules/list-schedules.handler.ts';
import { PauseScheduleHandler } from './schedules/pause-schedule.handler.ts';
import { PreviewScheduleHandler } from './schedules/preview-schedule.handler.ts';
import { ResumeScheduleHandler } from './schedules/resume-schedule.handler.ts';
import { RunScheduleHandler } from './schedules/run-schedule.handler.ts';
import { ApplyTriggerHandler } from './triggers/apply-trigger.handler.ts';
import { DeleteTriggerHandler } from './triggers/delete-trigger.handler.ts';
import { GetTriggerHandler } from './triggers/get-trigger.handler.ts';
import { ListTriggerFiringsHandler } from './triggers/list-trigger-firings.handler.ts';
import { ListTriggersHandler } from './triggers/list-triggers.handler.ts';
import { PauseTriggerHandler } from './triggers/pause-trigger.handler.ts';
import { ReceiveHookHandler } from './triggers/receive-hook.handler.ts';
import { ResumeTriggerHandler } from './triggers/resume-trigger.handler.ts';
import { EventListener } from './triggers/event.listener.ts';
import { RunEndedListener } from './triggers/run-ended.listener.ts';
import { SecretListener } from './triggers/secret.listener.ts';
import { DueSchedules } from './schedules/due-schedules.ts';
import { Ignition } from './schedules/ignition.ts';
import { RunWatch } from './schedules/run-watch.ts';
import { ScheduleClock } from './schedules/schedule-clock.ts';
import { ScheduleStore } from './schedules/schedule.store.ts';
import { TriggerStore } from './triggers/trigger.store.ts';
import { Triggers } from './triggers/triggers.ts';
import { Engine } from './shards/engine.ts';
import { KpiTally } from './telemetry/kpi-tally.ts';
import { RunMetrics } from './telemetry/run-metrics.ts';
import { ListUsageHandler } from './usage/list-usage.handler.ts';
import { UsageHours } from './usage/usage-hours.ts';
import { UsageStore } from './usage/usage.store.ts';
import { ApplyWorkflowHandler } from './workflows/apply-workflow.handler.ts';
import { Definitions } from './workflows/definitions.ts';
import { DeleteWorkflowHandler } from './workflows/delete-workflow.handler.ts';
import { GetWorkflowHandler } from './workflows/get-workflow.handler.ts';
import { GetWorkflowSchemaHandler } from './workflows/get-workflow-schema.handler.ts';
import { ListWorkflowVersionsHandler } from './workflows/list-workflow-versions.handler.ts';
import { ListWorkflowsHandler } from './workflows/list-workflows.handler.ts';
import { WorkflowStore } from './workflows/workflow.store.ts';
import { AgentCapacity } from './scale-back/agent-capacity.ts';
import { RestoreWorkflowHandler } from './scale-back/restore-workflow.handler.ts';
import { ScaleBackStore } from './scale-back/scale-back.store.ts';
import { ScaleBackWatch } from './scale-back/scale-back-watch.ts';
import { ScaleBackWorkflowHandler } from './scale-back/scale-back-workflow.handler.ts';

/** The `execution` service. */
@Module({
  imports: [ServiceModule.forRoot({ name: 'execution', config: loadConfig(ExecutionConfig), entities: [] })],
  controllers: [
    AcceptTaskHandler,
    AcceptWorkHandler,
    AgentChangesHandler,
    AnswerApprovalHandler,
    ApplyBudgetHandler,
    DeleteBudgetHandler,
    GetBudgetHandler,
    ListBudgetsHandler,
    ListUsageHandler,
    ApplyWorkflowHandler,
    ScaleBackWorkflowHandler,
    RestoreWorkflowHandler,
    AskTasksHandler,
    BeatTasksHandler,
    BeatWorkHandler,
    CancelRunHandler,
    ExportRunHandler,
    ForkRunHandler,
    UpgradeRunHandler,
    ImportRunHandler,
    ReleaseRunHandler,
    ResolveStepHandler,
    SignalRunHandler,
    CompleteTaskHandler,
    CompleteWorkHandler,
    DeleteRunHandler,
    DeleteWorkflowHandler,
    GetApprovalHandler,
    CompareRunsHandler,
    GetRunHandler,
    GetRunStateHandler,
    GetStepHandler,
    GetWorkflowHandler,
    GetWorkflowSchemaHandler,
    InvokeAgentHandler,
    LeaseTasksHandler,
    ListApprovalsHandler,
    ListRunEventsHandler,
    ListRunProblemsHandler,
    ListRunsHandler,
    ListCallsHandler,
    ListRecordedRunsHandler,
    ListOutputsHandler,
    ListStepsHandler,
    ListWorkflowVersionsHandler,
    ListWorkflowsHandler,
    CancelRunOperationHandler,
    GetRunOperationHandler,
    ListRunOperationsHandler,
    StartRunOperationHandler,
    StartDefinitionHandler,
    StartRunHandler,
    TellQueueHandler,
    GrantPlacesHandler,
    TakePlaceHandler,
    ListKeptLimitsHandler,
    ListLimitsHandler,
    WhyQueuedHandler,
    WhyRunHandler,
    ApplyScheduleHandler,
    DeleteScheduleHandler,
    GetScheduleHandler,
    ListScheduleFiringsHandler,
    ListSchedulesHandler,
    PauseScheduleHandler,
    PreviewScheduleHandler,
    ResumeScheduleHandler,
    RunScheduleHandler,
    ApplyTriggerHandler,
    DeleteTriggerHandler,
    GetTriggerHandler,
    ListTriggerFiringsHandler,
    ListTriggersHandler,
    PauseTriggerHandler,
    ReceiveHookHandler,
    ResumeTriggerHandler,
    EventListener,
    RunEndedListener,
    SecretListener,
  ],
  providers: [
    AboveBudgets,
    BudgetLedger,
    BudgetStore,
    UsageHours,
    UsageStore,
    ApprovalFinder,
    ApprovalStore,
    Completion,
    Definitions,
    Engine,
    KeptLimits,
    ModelPrices,
    OperationRunner,
    DueSchedules,
    Ignition,
    ImportStore,
    RunWatch,
    ScheduleClock,
    ScheduleStore,
    TriggerStore,
    Triggers,
    RunEnds,
    RunFinder,
    RunMetrics,
    KpiTally,
    RunStarter,
    AgentCapacity,
    ScaleBackStore,
    ScaleBackWatch,
    {
      provide: OperationStore,
      inject: [WorkspaceDatabase, SystemDatabase],
      useFactory: (db: WorkspaceDatabase, system: SystemDatabase) => new OperationStore(db, system),
    },
    {
      provide: RunStore,
      inject: [WorkspaceDatabase, Definitions],
      useFactory: (db: WorkspaceDatabase, definitions: Definitions) => new RunStore(db, definitions),
    },
    {
      provide: WorkflowStore,
      inject: [WorkspaceDatabase, Definitions],
      useFactory: (db: WorkspaceDatabase, definitions: Definitions) => new WorkflowStore(db, definitions),
    },
  ],
})
export class ExecutionModule {}
