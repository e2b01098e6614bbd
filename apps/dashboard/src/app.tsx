import { ApiError } from '@signalbox/sdk/client/api-error.js';
import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode } from 'react';
import { Route, Routes } from 'react-router';
import { LiveProvider } from './api/live.tsx';
import { queries } from './api/queries.ts';
import { BoardPage } from './pages/board/board-page.tsx';
import { SignInPage } from './pages/sign-in/sign-in-page.tsx';
import { Unreachable } from './pages/sign-in/unreachable.tsx';
import { Shell } from './shell/shell.tsx';
import { WhoContext } from './shell/who.ts';

const DeploymentPage = lazy(() => import('./pages/board/deployment-page.tsx'));
const RunsPage = lazy(() => import('./pages/runs/runs-page.tsx'));
const RunPage = lazy(() => import('./pages/run/run-page.tsx'));
const ApprovalsPage = lazy(() => import('./pages/approvals/approvals-page.tsx'));
const ApprovalPage = lazy(() => import('./pages/approvals/approval-page.tsx'));
const LimitsPage = lazy(() => import('./pages/limits/limits-page.tsx'));
const BudgetsPage = lazy(() => import('./pages/budgets/budgets-page.tsx'));
const UsagePage = lazy(() => import('./pages/usage/usage-page.tsx'));
const KpisPage = lazy(() => import('./pages/kpis/kpis-page.tsx'));
const GatesPage = lazy(() => import('./pages/gates/gates-page.tsx'));
const IncidentsPage = lazy(() => import('./pages/incidents/incidents-page.tsx'));
const IncidentPage = lazy(() => import('./pages/incidents/incident-page.tsx'));
const NotificationsPage = lazy(() => import('./pages/notifications/notifications-page.tsx'));
const ProblemsPage = lazy(() => import('./pages/problems/problems-page.tsx'));
const ComparePage = lazy(() => import('./pages/compare/compare-page.tsx'));
const AgentsPage = lazy(() => import('./pages/agents/agents-page.tsx'));
const AgentPage = lazy(() => import('./pages/agents/agent-page.tsx'));
const McpServersPage = lazy(() => import('./pages/mcp-servers/mcp-servers-page.tsx'));
const McpServerPage = lazy(() => import('./pages/mcp-servers/mcp-server-page.tsx'));
const ToolsPage = lazy(() => import('./pages/tools/tools-page.tsx'));
const ToolPage = lazy(() => import('./pages/tools/tool-page.tsx'));
const WorkflowsPage = lazy(() => import('./pages/workflows/workflows-page.tsx'));
const WorkflowPage = lazy(() => import('./pages/workflows/workflow-page.tsx'));
const SchedulesPage = lazy(() => import('./pages/schedules/schedules-page.tsx'));
const SchedulePage = lazy(() => import('./pages/schedules/schedule-page.tsx'));
const TriggerPage = lazy(() => import('./pages/schedules/trigger-page.tsx'));
const ServicesPage = lazy(() => import('./pages/services/services-page.tsx'));
const KeysPage = lazy(() => import('./pages/keys/keys-page.tsx'));
const SecretsPage = lazy(() => import('./pages/secrets/secrets-page.tsx'));
const NotFoundPage = lazy(() => import('./pages/not-found/not-found-page.tsx'));

/** Asks who is signed in and shows the sign-in or the pages. */
export function App(): ReactNode {
  const who = useQuery(queries.whoami());
  if (who.data) {
    return (
      <WhoContext value={who.data}>
        <LiveProvider>
          <Pages />
        </LiveProvider>
      </WhoContext>
    );
  }
  if (who.isPending) return null;
  if (who.error instanceof ApiError && (who.error.status === 401 || who.error.status === 403)) return <SignInPage />;
  return <Unreachable error={who.error} retry={() => void who.refetch()} />;
}

function Pages(): ReactNode {
  return (
    <Routes>
      <Route element={<Shell />}>
        <Route index element={<BoardPage />} />
        <Route path="deployments/:name" element={<DeploymentPage />} />
        <Route path="runs" element={<RunsPage />} />
        <Route path="runs/:id" element={<RunPage />} />
        <Route path="approvals" element={<ApprovalsPage />} />
        <Route path="approvals/:id" element={<ApprovalPage />} />
        <Route path="runs/:id/compare/:other" element={<ComparePage />} />
        <Route path="failures" element={<ProblemsPage />} />
        <Route path="incidents" element={<IncidentsPage />} />
        <Route path="incidents/:id" element={<IncidentPage />} />
        <Route path="notifications" element={<NotificationsPage />} />
        <Route path="limits" element={<LimitsPage />} />
        <Route path="budgets" element={<BudgetsPage />} />
        <Route path="usage" element={<UsagePage />} />
        <Route path="kpis" element={<KpisPage />} />
        <Route path="gates" element={<GatesPage />} />
        <Route path="agents" element={<AgentsPage />} />
        <Route path="agents/:name" element={<AgentPage />} />
        <Route path="mcp-servers" element={<McpServersPage />} />
        <Route path="mcp-servers/:name" element={<McpServerPage />} />
        <Route path="tools" element={<ToolsPage />} />
        <Route path="tools/:server/:tool" element={<ToolPage />} />
        <Route path="workflows" element={<WorkflowsPage />} />
        <Route path="workflows/:name" element={<WorkflowPage />} />
        <Route path="schedules" element={<SchedulesPage />} />
        <Route path="schedules/:name" element={<SchedulePage />} />
        <Route path="triggers/:name" element={<TriggerPage />} />
        <Route path="services" element={<ServicesPage />} />
        <Route path="keys" element={<KeysPage />} />
        <Route path="secrets" element={<SecretsPage />} />
        <Route path="*" element={<NotFoundPage />} />
      </Route>
    </Routes>
  );
}
