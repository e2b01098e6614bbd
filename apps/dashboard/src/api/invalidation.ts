/** What a query is about: its first parts name the list or the thing. Matches the keys in `queries.ts`. */
export type QueryKey = readonly (string | number)[];

/** Which queries an event of the system stream makes old. `reset` says that some were missed: everything is old. Unknown events concern nobody. */
export function staleAfter(type: string, data: unknown): QueryKey[] {
  const { name, id, run, workflow, agent } = fieldsOf(data);
  switch (type) {
    case 'agent.changed':
    case 'instance.changed':
    case 'breaker.changed':
    case 'stage.changed':
      return [['agents'], ['board'], (agent ?? name) === undefined ? ['agent'] : ['agent', (agent ?? name)!]];
    case 'evidence.added':
      return [agent === undefined ? ['agent'] : ['agent', agent]];
    case 'eval.ended':
      return [['eval'], agent === undefined ? ['agent'] : ['agent', agent]];
    case 'rollout.changed':
      return [id === undefined ? ['rollout'] : ['rollout', id], agent === undefined ? ['agent'] : ['agent', agent]];
    case 'deployment.changed':
      return [['deployments'], ...(name ? [['board', name]] : [['board']])];
    case 'run.changed': {
      const which = run ?? id;
      return [['runs'], ...(which ? [['run', which]] : [['run']]), ...(workflow ? [['workflow', workflow]] : [])];
    }
    case 'approval.changed':
      return [['approvals'], id ? ['approval', id] : ['approval'], run ? ['run', run] : ['run']];
    case 'incident.changed':
      return [['incidents'], id ? ['incident', id] : ['incident']];
    case 'kpi.changed':
      return [['kpis']];
    case 'mcp-server.changed':
      return [['mcp-servers'], ['tools'], ...(name ? [['mcp-server', name]] : [['mcp-server']])];
    case 'service.changed':
      return [['services']];
    case 'artifact.created':
      return [run ? ['run', run, 'artifacts'] : ['run']];
    case 'reset':
      return [[]];
    case 'workflow.scaled':
    case 'workflow.changed':
      return [['workflows'], ['workflow']];
    case 'key.changed':
      return [['keys']];
    case 'secret.changed':
      return [['secrets']];
    default:
      return [];
  }
}

function fieldsOf(data: unknown): Partial<Record<'name' | 'id' | 'run' | 'workflow' | 'agent', string>> {
  if (typeof data !== 'object' || data === null) return {};
  const fields: Record<string, string> = {};
  for (const [key, value] of Object.entries(data)) if (typeof value === 'string') fields[key] = value;
  const nested = (data as { payload?: unknown }).payload;
  return nested && typeof nested === 'object' ? { ...fieldsOf(nested), ...fields } : fields;
}
