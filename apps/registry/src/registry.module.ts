import { Module, type DynamicModule } from '@nestjs/common';
import { ServiceModule } from '@signalbox/shared/service/service-module.js';
import { AgentHealth } from './agents/agent-health.ts';
import { AnsweredAgents } from './agents/answered-agents.ts';
import { AgentStore } from './agents/agent.store.ts';
import { ApplyAgentHandler } from './agents/apply-agent.handler.ts';
import { BreakerListener } from './agents/breaker.listener.ts';
import { DeleteAgentHandler } from './agents/delete-agent.handler.ts';
import { GetAgentHandler } from './agents/get-agent.handler.ts';
import { ListAgentVersionsHandler } from './agents/list-agent-versions.handler.ts';
import { ListAgentsHandler } from './agents/list-agents.handler.ts';
import { McpServerListener } from './agents/mcp-server.listener.ts';
import { ResolveAgentHandler } from './agents/resolve-agent.handler.ts';
import { Advance } from './bring-up/advance.ts';
import { BringUp } from './bring-up/bring-up.ts';
import { ContractStep } from './bring-up/contract-step.ts';
import { MemberProbe } from './bring-up/member-probe.ts';
import { MemberStep } from './bring-up/member-step.ts';
import { UnstartedMembers } from './bring-up/unstarted-members.ts';
import { MemberWatch } from './bring-up/member-watch.ts';
import { McpTools } from './bring-up/mcp-tools.ts';
import { ProbeStep } from './bring-up/probe-step.ts';
import { RegisteredAgents } from './bring-up/registered-agents.ts';
import { RolloutProcesses } from './bring-up/rollout-processes.ts';
import { RunnerStep } from './bring-up/runner-step.ts';
import { Takeover } from './bring-up/takeover.ts';
import { TrafficStep } from './bring-up/traffic-step.ts';
import { ApplyChannelHandler } from './channels/apply-channel.handler.ts';
import { ChannelSender } from './channels/channel-sender.ts';
import { ChannelStore } from './channels/channel.store.ts';
import { DeleteChannelHandler } from './channels/delete-channel.handler.ts';
import { GetChannelHandler } from './channels/get-channel.handler.ts';
import { HttpSender } from './channels/http-sender.ts';
import { ListChannelsHandler } from './channels/list-channels.handler.ts';
import { MailSender } from './channels/mail-sender.ts';
import { TestChannelHandler } from './channels/test-channel.handler.ts';
import { ApplyDeploymentHandler } from './deployments/apply-deployment.handler.ts';
import { Boards } from './deployments/boards.ts';
import { DeleteDeploymentHandler } from './deployments/delete-deployment.handler.ts';
import { DeploymentLog } from './deployments/deployment-log.ts';
import { DeploymentStore } from './deployments/deployment.store.ts';
import { GetBoardHandler } from './deployments/get-board.handler.ts';
import { GetDeploymentHandler } from './deployments/get-deployment.handler.ts';
import { Infrastructure } from './deployments/infrastructure.ts';
import { ListDeploymentsHandler } from './deployments/list-deployments.handler.ts';
import { MemberStore } from './deployments/member.store.ts';
import { ReportStepHandler } from './deployments/report-step.handler.ts';
import { StartDeploymentHandler } from './deployments/start-deployment.handler.ts';
import { Starting } from './deployments/starting.ts';
import { StepStore } from './deployments/step.store.ts';
import { StopDeploymentHandler } from './deployments/stop-deployment.handler.ts';
import { DependencyWatch } from './bring-up/dependency-watch.ts';
import { DriftWatch } from './drift/drift-watch.ts';
import { Drifts } from './drift/drifts.ts';
import { GetDriftHandler } from './drift/get-drift.handler.ts';
import { RepairDriftHandler } from './drift/repair-drift.handler.ts';
import { ApplyEvalSuiteHandler } from './evals/apply-eval-suite.handler.ts';
import { DeleteEvalSuiteHandler } from './evals/delete-eval-suite.handler.ts';
import { EvalRuns } from './evals/eval-runs.ts';
import { EvalSettling } from './evals/eval-settling.ts';
import { EvalStart } from './evals/eval-start.ts';
import { EvalSuiteStore } from './evals/eval-suite.store.ts';
import { EvalWatch } from './evals/eval-watch.ts';
import { EvalStore } from './evals/eval.store.ts';
import { GetEvalSuiteHandler } from './evals/get-eval-suite.handler.ts';
import { GetEvalHandler } from './evals/get-eval.handler.ts';
import { ListEvalAttemptsHandler } from './evals/list-eval-attempts.handler.ts';
import { ListEvalSuitesHandler } from './evals/list-eval-suites.handler.ts';
import { ListEvalsHandler } from './evals/list-evals.handler.ts';
import { StartEvalHandler } from './evals/start-eval.handler.ts';
import { AddEvidenceHandler } from './evidence/add-evidence.handler.ts';
import { EvidenceStore } from './evidence/evidence.store.ts';
import { ListEvidenceHandler } from './evidence/list-evidence.handler.ts';
import { ApplyGateHandler } from './gates/apply-gate.handler.ts';
import { DeleteGateHandler } from './gates/delete-gate.handler.ts';
import { GateStore } from './gates/gate.store.ts';
import { GetGateHandler } from './gates/get-gate.handler.ts';
import { ListGatesHandler } from './gates/list-gates.handler.ts';
import { AcknowledgeIncidentHandler } from './incidents/acknowledge-incident.handler.ts';
import { GetIncidentHandler } from './incidents/get-incident.handler.ts';
import { IncidentStore } from './incidents/incident.store.ts';
import { ListIncidentsHandler } from './incidents/list-incidents.handler.ts';
import { NoteIncidentHandler } from './incidents/note-incident.handler.ts';
import { ResolveIncidentHandler } from './incidents/resolve-incident.handler.ts';
import { BeatBook } from './instances/beat-book.ts';
import { BeatInstanceHandler } from './instances/beat-instance.handler.ts';
import { BeatInstancesHandler } from './instances/beat-instances.handler.ts';
import { HeardInstances } from './instances/heard-instances.ts';
import { InstanceShards } from './instances/instance-shards.ts';
import { InstanceWatch } from './instances/instance-watch.ts';
import { InstanceStore } from './instances/instance.store.ts';
import { ListInstancesHandler } from './instances/list-instances.handler.ts';
import { RoutingListener } from './instances/routing.listener.ts';
import { KpiStore } from './kpis/kpi.store.ts';
import { KpiWatch } from './kpis/kpi-watch.ts';
import { Kpis } from './kpis/kpis.ts';
import { ListKpisHandler } from './kpis/list-kpis.handler.ts';
import { RecordKpisHandler } from './kpis/record-kpis.handler.ts';
import { LiveEvidence } from './live/live-evidence.ts';
import { LiveWatch } from './live/live-watch.ts';
import { MeasureAgentHandler } from './live/measure-agent.handler.ts';
import { ApplyObjectiveHandler } from './objectives/apply-objective.handler.ts';
import { DeleteObjectiveHandler } from './objectives/delete-objective.handler.ts';
import { GetObjectiveHandler } from './objectives/get-objective.handler.ts';
import { ListObjectivesHandler } from './objectives/list-objectives.handler.ts';
import { ObjectiveStore } from './objectives/objective.store.ts';
import { GetSchemaHandler } from './manifests/get-schema.handler.ts';
import { ApplyNotificationRuleHandler } from './notifications/apply-notification-rule.handler.ts';
import { DeleteNotificationRuleHandler } from './notifications/delete-notification-rule.handler.ts';
import { Deliveries } from './notifications/deliveries.ts';
import { DigestReader } from './notifications/digest-reader.ts';
import { GetNotificationRuleHandler } from './notifications/get-notification-rule.handler.ts';
import { Grants } from './notifications/grants.ts';
import { ListNotificationRulesHandler } from './notifications/list-notification-rules.handler.ts';
import { ListNotificationsHandler } from './notifications/list-notifications.handler.ts';
import { NoticeListener } from './notifications/notice.listener.ts';
import { NotificationStore } from './notifications/notification.store.ts';
import { Notifier } from './notifications/notifier.ts';
import { Occasions } from './notifications/occasions.ts';
import { RetryNotificationHandler } from './notifications/retry-notification.handler.ts';
import { RunNotificationRuleHandler } from './notifications/run-notification-rule.handler.ts';
import { RuleStore } from './notifications/rule.store.ts';
import { FaultListener } from './recovery/fault.listener.ts';
import { IsolateAgentHandler } from './recovery/isolate-agent.handler.ts';
import { IsolationStore } from './recovery/isolation.store.ts';
import { ListIsolationsHandler } from './recovery/list-isolations.handler.ts';
import { Outliers } from './recovery/outliers.ts';
import { RecoverAgentHandler } from './recovery/recover-agent.handler.ts';
import { RecoveryWatch } from './recovery/recovery-watch.ts';
import { Recovery } from './recovery/recovery.ts';
import { ReleaseAgentHandler } from './recovery/release-agent.handler.ts';
import { Rollback } from './recovery/rollback.ts';
import { RegistryConfig } from './registry.config.ts';
import { ListReviewsHandler } from './reviews/list-reviews.handler.ts';
import { ReviewStore } from './reviews/review.store.ts';
import { SignOffAgentHandler } from './reviews/sign-off-agent.handler.ts';
import { AbortRolloutHandler } from './rollouts/abort-rollout.handler.ts';
import { GetRolloutHandler } from './rollouts/get-rollout.handler.ts';
import { ListRolloutsHandler } from './rollouts/list-rollouts.handler.ts';
import { PauseRolloutHandler } from './rollouts/pause-rollout.handler.ts';
import { PromoteRolloutHandler } from './rollouts/promote-rollout.handler.ts';
import { ResumeRolloutHandler } from './rollouts/resume-rollout.handler.ts';
import { MirrorEvidence } from './rollouts/mirror-evidence.ts';
import { MirrorJudges } from './rollouts/mirror-judges.ts';
import { MirrorListener } from './rollouts/mirror.listener.ts';
import { MirrorMeasures } from './rollouts/mirror-measures.ts';
import { MirrorStore } from './rollouts/mirror.store.ts';
import { RolloutEvals } from './rollouts/rollout-evals.ts';
import { RolloutMeasures } from './rollouts/rollout-measures.ts';
import { RolloutWatch } from './rollouts/rollout-watch.ts';
import { RolloutStore } from './rollouts/rollout.store.ts';
import { Rollouts } from './rollouts/rollouts.ts';
import { StartRolloutHandler } from './rollouts/start-rollout.handler.ts';
import { LocalRunner } from './runners/local-runner.ts';
import { MigrationRunner } from './runners/migration-runner.ts';
import { ProcessStore } from './runners/process.store.ts';
import { SecretListener } from './runners/secret.listener.ts';
import { Autoscaler } from './scaling/autoscaler.ts';
import { GetScaleHandler } from './scaling/get-scale.handler.ts';
import { ListScalesHandler } from './scaling/list-scales.handler.ts';
import { QueueReader } from './scaling/queues.ts';
import { ScaleStore } from './scaling/scale.store.ts';
import { ApprovePromotionHandler } from './stages/approve-promotion.handler.ts';
import { DemoteAgentHandler } from './stages/demote-agent.handler.ts';
import { GetStagesHandler } from './stages/get-stages.handler.ts';
import { PromoteAgentHandler } from './stages/promote-agent.handler.ts';
import { StageStore } from './stages/stage.store.ts';
import { Stages } from './stages/stages.ts';

/** Who exists, who is healthy, and how deployments come up. */
@Module({})
export class RegistryModule {
  static forRoot(config: RegistryConfig): DynamicModule {
    return {
      module: RegistryModule,
      imports: [ServiceModule.forRoot({ name: 'registry', config, entities: [] })],
      controllers: [
        ApplyAgentHandler,
        GetAgentHandler,
        ResolveAgentHandler,
        ListAgentsHandler,
        ListAgentVersionsHandler,
        DeleteAgentHandler,
        BreakerListener,
        McpServerListener,
        BeatInstanceHandler,
        BeatInstancesHandler,
        RoutingListener,
        ListInstancesHandler,
        ApplyDeploymentHandler,
        GetDeploymentHandler,
        ListDeploymentsHandler,
        GetBoardHandler,
        ReportStepHandler,
        StartDeploymentHandler,
        StopDeploymentHandler,
        DeleteDeploymentHandler,
        GetDriftHandler,
        RepairDriftHandler,
        GetScaleHandler,
        ListScalesHandler,
        GetSchemaHandler,
        SecretListener,
        ApplyEvalSuiteHandler,
        GetEvalSuiteHandler,
        ListEvalSuitesHandler,
        DeleteEvalSuiteHandler,
        StartEvalHandler,
        GetEvalHandler,
        ListEvalsHandler,
        ListEvalAttemptsHandler,
        AddEvidenceHandler,
        ListEvidenceHandler,
        MeasureAgentHandler,
        RecordKpisHandler,
        ListKpisHandler,
        ApplyObjectiveHandler,
        DeleteObjectiveHandler,
        GetObjectiveHandler,
        ListObjectivesHandler,
        ApplyGateHandler,
        DeleteGateHandler,
        GetGateHandler,
        ListGatesHandler,
        ApprovePromotionHandler,
        DemoteAgentHandler,
        GetStagesHandler,
        PromoteAgentHandler,
        IsolateAgentHandler,
        ReleaseAgentHandler,
        RecoverAgentHandler,
        ListIsolationsHandler,
        FaultListener,
        ListIncidentsHandler,
        GetIncidentHandler,
        AcknowledgeIncidentHandler,
        ResolveIncidentHandler,
        NoteIncidentHandler,
        ApplyChannelHandler,
        GetChannelHandler,
        ListChannelsHandler,
        DeleteChannelHandler,
        TestChannelHandler,
        ApplyNotificationRuleHandler,
        GetNotificationRuleHandler,
        ListNotificationRulesHandler,
        DeleteNotificationRuleHandler,
        RunNotificationRuleHandler,
        ListNotificationsHandler,
        RetryNotificationHandler,
        NoticeListener,
        ListReviewsHandler,
        SignOffAgentHandler,
        AbortRolloutHandler,
        MirrorListener,
        GetRolloutHandler,
        ListRolloutsHandler,
        PauseRolloutHandler,
        PromoteRolloutHandler,
        ResumeRolloutHandler,
        StartRolloutHandler,
      ],
      providers: [
        AgentStore,
        AgentHealth,
        AnsweredAgents,
        InstanceStore,
        HeardInstances,
        InstanceShards,
        BeatBook,
        InstanceWatch,
        DeploymentStore,
        StepStore,
        MemberStore,
        Infrastructure,
        Boards,
        DeploymentLog,
        ProcessStore,
        LocalRunner,
        Starting,
        Drifts,
        DependencyWatch,
        DriftWatch,
        ScaleStore,
        QueueReader,
        Autoscaler,
        MigrationRunner,
        MemberProbe,
        UnstartedMembers,
        MemberWatch,
        MemberStep,
        RegisteredAgents,
        McpTools,
        RunnerStep,
        ProbeStep,
        ContractStep,
        TrafficStep,
        Advance,
        Takeover,
        RolloutProcesses,
        BringUp,
        GateStore,
        EvidenceStore,
        ObjectiveStore,
        KpiStore,
        Kpis,
        KpiWatch,
        LiveEvidence,
        LiveWatch,
        StageStore,
        Stages,
        EvalSuiteStore,
        EvalStore,
        EvalRuns,
        EvalStart,
        EvalSettling,
        EvalWatch,
        IncidentStore,
        IsolationStore,
        Rollback,
        Recovery,
        RecoveryWatch,
        Outliers,
        RolloutStore,
        RolloutMeasures,
        MirrorMeasures,
        MirrorStore,
        MirrorEvidence,
        MirrorJudges,
        RolloutEvals,
        Rollouts,
        RolloutWatch,
        ChannelStore,
        HttpSender,
        MailSender,
        ChannelSender,
        Grants,
        RuleStore,
        NotificationStore,
        Notifier,
        ReviewStore,
        DigestReader,
        Occasions,
        Deliveries,
      ],
    };
  }
}
