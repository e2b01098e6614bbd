/** What a tool says of itself by its annotations (MCP 2025-11-25, tools). They are claims of a foreign server, and shown as such. */
export function toolClaims(annotations: Record<string, unknown> | null | undefined): { word: string; isHarmful: boolean }[] {
  if (!annotations) return [];
  const claims: { word: string; isHarmful: boolean }[] = [];
  if (annotations['readOnlyHint'] === true) claims.push({ word: 'reads only', isHarmful: false });
  else if (annotations['destructiveHint'] === true) claims.push({ word: 'may destroy', isHarmful: true });
  if (annotations['openWorldHint'] === true) claims.push({ word: 'reaches out', isHarmful: false });
  return claims;
}
