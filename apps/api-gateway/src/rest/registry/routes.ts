import type { Type } from '@nestjs/common';
import { AcknowledgeIncidentRoute } from './acknowledge-incident.route.ts';
import { AddEvidenceRoute } from './add-evidence.route.ts';
import { ApplyAgentRoute } from './apply-agent.route.ts';
import { ApplyChannelRoute } from './apply-channel.route.ts';
import { ApplyDeploymentRoute } from './apply-deployment.route.ts';
import { ApplyEvalSuiteRoute } from './apply-eval-suite.route.ts';
import { ApplyGateRoute } from './apply-gate.route.ts';
import { ApplyNotificationRuleRoute } from './apply-notification-rule.route.ts';
import { ApprovePromotionRoute } from './approve-promotion.route.ts';
import { DeleteAgentRoute } from './delete-agent.route.ts';
import { DeleteChannelRoute } from './delete-channel.route.ts';
import { DeleteDeploymentRoute } from './delete-deployment.route.ts';
import { DeleteEvalSuiteRoute } from './delete-eval-suite.route.ts';
import { DeleteGateRoute } from './delete-gate.route.ts';
import { DeleteNotificationRuleRoute } from './delete-notification-rule.route.ts';
import { DemoteAgentRoute } from './demote-agent.route.ts';
import { GetAgentRoute } from './get-agent.route.ts';
import { GetBoardRoute } from './get-board.route.ts';
import { GetChannelRoute } from './get-channel.route.ts';
import { GetDeploymentRoute } from './get-deployment.route.ts';
import { GetDriftRoute } from './get-drift.route.ts';
import { GetScaleRoute } from './get-scale.route.ts';
import { ListScalesRoute } from './list-scales.route.ts';
import { GetEvalSuiteRoute } from './get-eval-suite.route.ts';
import { GetEvalRoute } from './get-eval.route.ts';
import { GetGateRoute } from './get-gate.route.ts';
import { GetIncidentRoute } from './get-incident.route.ts';
import { GetNotificationRuleRoute } from './get-notification-rule.route.ts';
import { GetScaleMetricsRoute } from './get-scale-metrics.route.ts';
import { GetSchemaRoute } from './get-schema.route.ts';
import { GetStagesRoute } from './get-stages.route.ts';
import { IsolateAgentRoute } from './isolate-agent.route.ts';
import { ListAgentVersionsRoute } from './list-agent-versions.route.ts';
import { ListAgentsRoute } from './list-agents.route.ts';
import { ListChannelsRoute } from './list-channels.route.ts';
import { ListDeploymentsRoute } from './list-deployments.route.ts';
import { ListEvalAttemptsRoute } from './list-eval-attempts.route.ts';
import { ListEvalSuitesRoute } from './list-eval-suites.route.ts';
import { ListEvalsRoute } from './list-evals.route.ts';
import { ListEvidenceRoute } from './list-evidence.route.ts';
import { ListGatesRoute } from './list-gates.route.ts';
import { ListIncidentsRoute } from './list-incidents.route.ts';
import { ListInstancesRoute } from './list-instances.route.ts';
import { ListIsolationsRoute } from './list-isolations.route.ts';
import { ListNotificationRulesRoute } from './list-notification-rules.route.ts';
import { ListNotificationsRoute } from './list-notifications.route.ts';
import { ListReviewsRoute } from './list-reviews.route.ts';
import { NoteIncidentRoute } from './note-incident.route.ts';
import { PromoteAgentRoute } from './promote-agent.route.ts';
import { RecoverAgentRoute } from './recover-agent.route.ts';
import { ReleaseAgentRoute } from './release-agent.route.ts';
import { ReportStepRoute } from './report-step.route.ts';
import { ResolveIncidentRoute } from './resolve-incident.route.ts';
import { RetryNotificationRoute } from './retry-notification.route.ts';
import { RunNotificationRuleRoute } from './run-notification-rule.route.ts';
import { SignOffAgentRoute } from './sign-off-agent.route.ts';
import { RepairDriftRoute } from './repair-drift.route.ts';
import { StartDeploymentRoute } from './start-deployment.route.ts';
import { AbortRolloutRoute } from './abort-rollout.route.ts';
import { GetRolloutRoute } from './get-rollout.route.ts';
import { ListRolloutsRoute } from './list-rollouts.route.ts';
import { PauseRolloutRoute } from './pause-rollout.route.ts';
import { PromoteRolloutRoute } from './promote-rollout.route.ts';
import { ResumeRolloutRoute } from './resume-rollout.route.ts';
import { StartRolloutRoute } from './start-rollout.route.ts';
import { StartEvalRoute } from './start-eval.route.ts';
import { StopDeploymentRoute } from './stop-deployment.route.ts';
import { TestChannelRoute } from './test-channel.route.ts';
import { ApplyObjectiveRoute } from './apply-objective.route.ts';
import { DeleteObjectiveRoute } from './delete-objective.route.ts';
import { GetObjectiveRoute } from './get-objective.route.ts';
import { ListKpisRoute } from './list-kpis.route.ts';
import { ListObjectivesRoute } from './list-objectives.route.ts';
import { MeasureAgentRoute } from './measure-agent.route.ts';

/** The REST routes of `registry`: one controller an operation, `<operation>.route.ts`. */
export const registryRoutes: Type[] = [
  ListAgentsRoute,
  GetAgentRoute,
  ApplyAgentRoute,
  DeleteAgentRoute,
  ListAgentVersionsRoute,
  ListInstancesRoute,
  ListDeploymentsRoute,
  GetDeploymentRoute,
  ApplyDeploymentRoute,
  DeleteDeploymentRoute,
  GetBoardRoute,
  StartDeploymentRoute,
  StopDeploymentRoute,
  GetDriftRoute,
  RepairDriftRoute,
  GetScaleRoute,
  ListScalesRoute,
  GetScaleMetricsRoute,
  ReportStepRoute,
  GetSchemaRoute,
  AddEvidenceRoute,
  ApplyGateRoute,
  ApprovePromotionRoute,
  DeleteGateRoute,
  DemoteAgentRoute,
  GetGateRoute,
  GetStagesRoute,
  ListEvidenceRoute,
  ListGatesRoute,
  PromoteAgentRoute,
  IsolateAgentRoute,
  ReleaseAgentRoute,
  RecoverAgentRoute,
  ListIsolationsRoute,
  ListIncidentsRoute,
  GetIncidentRoute,
  AcknowledgeIncidentRoute,
  ResolveIncidentRoute,
  NoteIncidentRoute,
  ApplyEvalSuiteRoute,
  DeleteEvalSuiteRoute,
  GetEvalSuiteRoute,
  GetEvalRoute,
  ListEvalAttemptsRoute,
  ListEvalSuitesRoute,
  ListEvalsRoute,
  StartEvalRoute,
  AbortRolloutRoute,
  GetRolloutRoute,
  ListRolloutsRoute,
  PauseRolloutRoute,
  PromoteRolloutRoute,
  ResumeRolloutRoute,
  StartRolloutRoute,
  ApplyChannelRoute,
  ApplyNotificationRuleRoute,
  DeleteChannelRoute,
  DeleteNotificationRuleRoute,
  GetChannelRoute,
  GetNotificationRuleRoute,
  ListChannelsRoute,
  ListNotificationRulesRoute,
  ListNotificationsRoute,
  ListReviewsRoute,
  RetryNotificationRoute,
  RunNotificationRuleRoute,
  SignOffAgentRoute,
  TestChannelRoute,
  ApplyObjectiveRoute,
  DeleteObjectiveRoute,
  GetObjectiveRoute,
  ListKpisRoute,
  ListObjectivesRoute,
  MeasureAgentRoute,
];
