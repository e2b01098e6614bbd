export const up: string[] = [
  // What an agent goes on without, by the deployment that declares it; and which deployment took an agent out of routing for what it needs.
  `ALTER TABLE agent ADD COLUMN lacks jsonb NOT NULL DEFAULT '{}'`,
  `ALTER TABLE isolation ADD COLUMN deployment uuid`,
  `CREATE INDEX isolation_deployment ON isolation (workspace, deployment) WHERE deployment IS NOT NULL`,
  `CREATE INDEX agent_lacks ON agent USING gin (lacks) WHERE lacks <> '{}'`,
];

export const down: string[] = [
  'DROP INDEX agent_lacks',
  'ALTER TABLE isolation DROP COLUMN deployment',
  'ALTER TABLE agent DROP COLUMN lacks',
];
