/** What the registry says of the kinds of agents that are called; it has checked manifests against their schema. */
export interface McpSpec {
  server: string;
  tools?: string[];
}

export interface HttpSpec {
  url: string;
  headers?: Record<string, string>;
}

export interface LlmSpec {
  provider?: { baseUrl: string; apiKey?: string };
  model: string;
  system?: string;
  /** `server/tool`, or `server/*` for all of a server. */
  tools?: string[];
  /** Calls to the model in one task. */
  maxTurns?: number;
  /** Output tokens in one task. */
  maxTokens?: number;
}

export interface AgentSpec {
  mcp?: McpSpec;
  http?: HttpSpec;
  llm?: LlmSpec;
}
