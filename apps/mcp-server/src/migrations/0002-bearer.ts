/** The grant by which a server's secrets are read: held by those whose manifests name one. */
export const up: string[] = [`ALTER TABLE mcp_server ADD COLUMN bearer text`];

export const down: string[] = [`ALTER TABLE mcp_server DROP COLUMN bearer`];
