export type Leaf = readonly [path: string, value: string | number | boolean | null];

/** The values of a JSON document by their paths, in order. Undefined when they are too many, too deep or too long for a table. */
export function flatten(value: unknown, { leavesMax = 80, depthMax = 4, lengthMax = 2_000 } = {}): Leaf[] | undefined {
  const leaves: Leaf[] = [];
  const visit = (part: unknown, path: string, depth: number): boolean => {
    if (part === null || typeof part !== 'object') {
      if (leaves.length === leavesMax || (typeof part === 'string' && part.length > lengthMax)) return false;
      leaves.push([path, part as Leaf[1]]);
      return true;
    }
    const entries = Array.isArray(part) ? part.map((one, index) => [`${path}[${index}]`, one] as const) : namesOf(part, path);
    if (entries.length === 0) return path === '' || visit(Array.isArray(part) ? '[]' : '{}', path, depth);
    return depth < depthMax && entries.every(([at, one]) => visit(one, at, depth + 1));
  };
  return visit(value, '', 0) ? leaves : undefined;
}

const namesOf = (part: object, path: string) =>
  Object.entries(part).map(([name, one]) => [path === '' ? name : `${path}.${name}`, one] as const);
