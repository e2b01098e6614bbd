const opaqueFields = new WeakMap<object, Set<string>>();

/**
 * Marks a field that holds foreign JSON: it crosses the bus word for word, with only the checks that stand beside this one. Without it each
 * nested value is copied, and keys such as `constructor` are lost on the way.
 */
export function Opaque(): PropertyDecorator {
  return (prototype, property) => {
    const fields = opaqueFields.get(prototype) ?? new Set();
    opaqueFields.set(prototype, fields.add(String(property)));
  };
}

/** The opaque fields of a class and of those it extends. */
export function opaqueFieldsOf(type: new () => object): string[] {
  const fields: string[] = [];
  for (let prototype = type.prototype as object | null; prototype !== null; prototype = Object.getPrototypeOf(prototype) as object | null) {
    fields.push(...(opaqueFields.get(prototype) ?? []));
  }
  return fields;
}
