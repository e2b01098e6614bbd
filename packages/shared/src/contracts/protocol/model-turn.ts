/** A tool call as a model made it. */
export interface ModelToolCall {
  id: string;
  /** As the model knows the tool: `files__read_text_file`. */
  name: string;
  /** What the model wrote; it should be a JSON object. */
  arguments: string;
  /** What `name` stands for: `{ tool: 'files/read_text_file' }` or `{ agent, skill? }`. Absent: no such tool was offered. */
  target?: { tool: string } | { agent: string; skill?: string };
}

/** What a model answered in one turn: the output of a task with `model`. */
export interface ModelTurn {
  text: string;
  toolCalls: ModelToolCall[];
  /** `stop`, `tool_calls`, `length`, `content_filter`, as the OpenAI API has it. */
  finishReason: string;
  model: string;
}
