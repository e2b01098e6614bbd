export const stages = ['integration', 'staging', 'production', 'full-access'] as const;
/** How far an agent's version is trusted, in this order. */
export type Stage = (typeof stages)[number];
