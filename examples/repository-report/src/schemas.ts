type Schema = Record<string, unknown>;

export const text: Schema = { type: 'string' };

export function arrayOf(items: Schema): Schema {
  return { type: 'array', items };
}

/** An object that has these properties, all of them. */
export function objectWith(properties: Record<string, Schema>): Schema {
  return { type: 'object', required: Object.keys(properties), properties };
}
