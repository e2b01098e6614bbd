import {
  Activity,
  Bell,
  Bot,
  CalendarClock,
  ChartColumn,
  Siren,
  CircleCheckBig,
  CircleX,
  Gauge,
  KeyRound,
  LayoutGrid,
  LockKeyhole,
  Play,
  Plug,
  Server,
  ShieldCheck,
  Wallet,
  Wrench,
  Workflow,
  type LucideIcon,
} from 'lucide-react';

export interface NavigationItem {
  to: string;
  label: string;
  icon: LucideIcon;
  /** Offered only to those who may. */
  permission: string;
}

export interface NavigationGroup {
  label: string | null;
  items: NavigationItem[];
}

/** The pages, in the order of their worth. A page that has nothing behind it is not here. */
export const navigation: readonly NavigationGroup[] = [
  {
    label: null,
    items: [
      { to: '/', label: 'Board', icon: LayoutGrid, permission: 'deployments:read' },
      { to: '/runs', label: 'Runs', icon: Play, permission: 'runs:read' },
      { to: '/approvals', label: 'Approvals', icon: CircleCheckBig, permission: 'approvals:read' },
      { to: '/failures', label: 'Failures', icon: CircleX, permission: 'runs:read' },
      { to: '/incidents', label: 'Incidents', icon: Siren, permission: 'incidents:read' },
      { to: '/agents', label: 'Agents', icon: Bot, permission: 'agents:read' },
      { to: '/gates', label: 'Gates', icon: ShieldCheck, permission: 'gates:read' },
      { to: '/workflows', label: 'Workflows', icon: Workflow, permission: 'workflows:read' },
      { to: '/schedules', label: 'Schedules', icon: CalendarClock, permission: 'schedules:read' },
      { to: '/limits', label: 'Limits', icon: Gauge, permission: 'runs:read' },
      { to: '/kpis', label: 'KPIs', icon: Activity, permission: 'kpis:read' },
      { to: '/usage', label: 'Usage', icon: ChartColumn, permission: 'runs:read' },
      { to: '/budgets', label: 'Budgets', icon: Wallet, permission: 'budgets:read' },
    ],
  },
  {
    label: 'Connect',
    items: [
      { to: '/mcp-servers', label: 'MCP servers', icon: Plug, permission: 'mcp-servers:read' },
      { to: '/tools', label: 'Tools', icon: Wrench, permission: 'tools:read' },
      { to: '/notifications', label: 'Notifications', icon: Bell, permission: 'notifications:read' },
    ],
  },
  {
    label: 'Guard',
    items: [
      { to: '/keys', label: 'Keys', icon: KeyRound, permission: 'keys:read' },
      { to: '/secrets', label: 'Secrets', icon: LockKeyhole, permission: 'secrets:read' },
    ],
  },
  { label: 'System', items: [{ to: '/services', label: 'Services', icon: Server, permission: 'system:read' }] },
];
