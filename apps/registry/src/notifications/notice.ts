import type { ApprovalChanged } from '@signalbox/shared/contracts/execution/approval-changed.js';
import type { WorkflowScaled } from '@signalbox/shared/contracts/execution/workflow-scaled.js';
import { approvalStatuses } from '@signalbox/shared/contracts/execution/approval-view.js';
import type { AgentChanged, DeploymentChanged, KpiChanged, StageChanged } from '@signalbox/shared/contracts/registry/events.js';
import type { IncidentChanged } from '@signalbox/shared/contracts/registry/incident-changed.js';
import { recoveryStages, type Severity } from '@signalbox/shared/contracts/registry/incident.js';
import { kpiTitle } from '../kpis/kpi-text.ts';
import { stageMoves } from '@signalbox/shared/contracts/registry/get-stages.js';

/** One thing that happened, as people are told of it. */
export interface Notice {
  /** As `incident.escalated`. */
  event: string;
  severity: Severity;
  /** One line. */
  title: string;
  text: string;
  /** What it is about, as `incident incident_…`: events of the same are gathered. */
  subject: string;
  agents: string[];
  /** Of an incident: who looks after it, the one on call, else the owner. */
  person?: string;
  facts: { name: string; value: string }[];
  /** Where the dashboard shows it. */
  path: string;
  /** Epoch milliseconds. */
  at: number;
}

const deploymentEvents = ['started', 'stopped', 'deleted', 'step-failed', 'step-done', 'done', 'drifted', 'drift-ended'] as const;
const agentEvents = ['changed', 'deleted', 'degraded', 'failed'] as const;
const kpiEvents = ['burning', 'settled'] as const;
const workflowEvents = ['scaled-back', 'restored'] as const;
const approvalEvents = ['asked', 'reminded', ...approvalStatuses.filter((status) => status !== 'open')] as const;

/** Every event that a rule can ask for. */
export const noticeEvents: readonly string[] = [
  ...recoveryStages.map((stage) => `incident.${stage}`),
  ...deploymentEvents.map((event) => `deployment.${event}`),
  ...stageMoves.map((move) => `stage.${move}`),
  ...agentEvents.map((event) => `agent.${event}`),
  ...approvalEvents.map((event) => `approval.${event}`),
  ...workflowEvents.map((event) => `workflow.${event}`),
  ...kpiEvents.map((event) => `kpi.${event}`),
];

/** Text of others is cut: a message shows it beside others. */
const textMax = 1_000;

function factsOf(facts: Record<string, string | undefined>): Notice['facts'] {
  return Object.entries(facts).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [{ name, value: value.slice(0, textMax) }],
  );
}

export function noticeOfIncident(incident: IncidentChanged, at: number): Notice {
  const { id, title, stage, severity, status, cause, agent, instance, text, owner, onCall, runbook } = incident;
  return {
    event: `incident.${stage}`,
    severity,
    title: `${title}: ${stage}`,
    text: text.slice(0, textMax),
    subject: `incident ${id}`,
    agents: agent === undefined ? [] : [agent],
    ...((onCall ?? owner) !== undefined && { person: onCall ?? owner! }),
    facts: factsOf({
      Severity: severity,
      Status: status,
      Cause: cause,
      Agent: agent,
      Instance: instance,
      Owner: owner,
      'On call': onCall,
      Runbook: runbook,
    }),
    path: `/incidents/${id}`,
    at,
  };
}

export function noticeOfStage({ name, change, stage, agentVersion, holder, by }: StageChanged, at: number): Notice {
  const did = change === 'approved' ? `approved for ${stage}` : change === 'promoted' ? `promoted to ${stage}` : `demoted from ${stage}`;
  return {
    event: `stage.${change}`,
    severity: change === 'demoted' ? 'medium' : 'low',
    title: `${name} version ${agentVersion} was ${did}`,
    text: holder === undefined ? `No version is at ${stage}.` : `Version ${holder} is at ${stage}.`,
    subject: `agent ${name}`,
    agents: [name],
    facts: factsOf({ Agent: name, Version: String(agentVersion), Stage: stage, By: by }),
    path: `/agents/${name}`,
    at,
  };
}

/** Null: nobody needs to hear of it. */
export function noticeOfDeployment(deployment: DeploymentChanged, at: number): Notice | null {
  const { name, change, status, progress, agent, step, state, reason } = deployment;
  const event = deploymentEventOf(deployment);
  if (event === null) return null;
  const what =
    event === 'step-failed' || event === 'step-done'
      ? `${agent}: step ${step} ${state === 'failed' ? 'failed' : 'is done'}`
      : event.replace('-', ' ');
  return {
    event: `deployment.${event}`,
    severity: event === 'step-failed' ? 'high' : event === 'drifted' ? 'medium' : 'low',
    title: `Deployment ${name}: ${what}`,
    text: (reason ?? '').slice(0, textMax),
    subject: `deployment ${name}`,
    agents: agent === undefined ? [] : [agent],
    facts: factsOf({ Status: status, Progress: `${Math.floor(progress * 100)} %`, Agent: agent, Step: step }),
    path: change === 'deleted' ? '/' : `/deployments/${name}`,
    at,
  };
}

function deploymentEventOf({ change, status, state, drift }: DeploymentChanged): (typeof deploymentEvents)[number] | null {
  switch (change) {
    case 'started':
    case 'stopped':
    case 'deleted':
      return change;
    case 'step':
      if (state === 'failed') return 'step-failed';
      return state !== 'done' ? null : status === 'done' ? 'done' : 'step-done';
    case 'drift':
      return drift === 0 ? 'drift-ended' : 'drifted';
    case 'status':
    case 'manifest':
      return null;
  }
}

/** Null: nobody needs to hear of it. */
export function noticeOfAgent({ name, kind, change, status, statusReason, version }: AgentChanged, at: number): Notice | null {
  const event =
    change === 'manifest'
      ? 'changed'
      : change === 'deleted'
        ? 'deleted'
        : change === 'status' && (status === 'degraded' || status === 'failed')
          ? status
          : null;
  if (event === null) return null;
  return {
    event: `agent.${event}`,
    severity: event === 'failed' ? 'high' : event === 'degraded' ? 'medium' : 'low',
    title: `Agent ${name} ${event === 'changed' ? `has a new version, ${version}` : event === 'deleted' ? 'was deleted' : `is ${event}`}`,
    text: (statusReason ?? '').slice(0, textMax),
    subject: `agent ${name}`,
    agents: [name],
    facts: factsOf({ Agent: name, Kind: kind, Version: String(version), Status: status }),
    path: event === 'deleted' ? '/agents' : `/agents/${name}`,
    at,
  };
}

/** `version` counts the changes of the approval: with the first it is asked for. */
export function noticeOfApproval({ id, run, workflow, step, status, reminders, at }: ApprovalChanged, version: number): Notice {
  const event = status !== 'open' ? status : version === 1 ? 'asked' : 'reminded';
  const titles: Record<typeof event, string> = {
    asked: 'needs a decision',
    reminded: 'still needs a decision',
    approved: 'was approved',
    rejected: 'was rejected',
    expired: 'got no answer before its deadline',
    withdrawn: 'is not asked any more: its run has ended',
  };
  return {
    event: `approval.${event}`,
    severity: event === 'asked' ? 'medium' : event === 'reminded' || event === 'expired' ? 'high' : 'low',
    title: `${workflow}, step ${step}, ${titles[event]}`,
    text: '',
    subject: `approval ${id}`,
    agents: [],
    facts: factsOf({ Workflow: workflow, Step: step, Run: run, Reminders: reminders === undefined ? undefined : String(reminders) }),
    path: `/approvals/${id}`,
    at,
  };
}

export function noticeOfWorkflow({ workflow, to, isScaledBack, because, by, agents = [] }: WorkflowScaled, at: number): Notice {
  const event = isScaledBack ? 'scaled-back' : 'restored';
  return {
    event: `workflow.${event}`,
    severity: isScaledBack ? 'medium' : 'low',
    title: isScaledBack ? `Workflow ${workflow} is scaled back to ${to}` : `Workflow ${workflow} is restored`,
    text: because.slice(0, textMax),
    subject: `workflow ${workflow}`,
    agents,
    facts: factsOf({ Workflow: workflow, Smaller: to, By: by }),
    path: `/workflows/${workflow}`,
    at,
  };
}

export function noticeOfKpi({ kpi, agent, change, urgency, rate, says }: KpiChanged, at: number): Notice {
  const of = agent === undefined ? '' : `, agent ${agent}`;
  return {
    event: `kpi.${change}`,
    severity: change === 'settled' ? 'low' : urgency === 'page' ? 'high' : 'medium',
    title: `${kpiTitle(kpi)}${of}: ${change === 'burning' ? 'its error budget burns too fast' : 'its error budget burns no more'}`,
    text: says.slice(0, textMax),
    subject: `kpi ${kpi}${agent === undefined ? '' : `/${agent}`}`,
    agents: agent === undefined ? [] : [agent],
    facts: factsOf({ KPI: kpi, Agent: agent, 'Burn rate': String(Number(rate.toPrecision(3))) }),
    path: agent === undefined ? `/kpis?kpi=${kpi}` : `/agents/${agent}?view=kpis&kpi=${kpi}`,
    at,
  };
}
