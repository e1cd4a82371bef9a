/**
 * Dotted paths with `*` (`data.buyer.address.*`) compiled to a state machine: one map look-up per key while a record is walked.
 * A path names a leaf or a whole branch.
 */
export interface PathState {
  /** A path ends here: this value and everything below it are meant. */
  readonly end: boolean;
  readonly next: ReadonlyMap<string, PathState>;
  /** Where every other key leads; undefined where no `*` stands. */
  readonly other: PathState | undefined;
}

interface Node {
  end: boolean;
  children: Map<string, Node>;
}

export function compilePaths(paths: readonly string[]): PathState | undefined {
  if (paths.length === 0) return undefined;
  const root: Node = { end: false, children: new Map() };
  for (const path of paths) {
    let node = root;
    for (const key of path.split('.')) {
      let child = node.children.get(key);
      if (child === undefined) {
        child = { end: false, children: new Map() };
        node.children.set(key, child);
      }
      node = child;
    }
    node.end = true;
  }
  return toState([root]);
}

/** The state after a key. An ending state is never left: `matched` is asked first. */
export function step(state: PathState | undefined, key: string): PathState | undefined {
  return state === undefined ? undefined : (state.next.get(key) ?? state.other);
}

function toState(nodes: readonly Node[]): PathState {
  const wild = nodes.flatMap((node) => node.children.get('*') ?? []);
  const keys = new Set(nodes.flatMap((node) => [...node.children.keys()]));
  keys.delete('*');
  const next = new Map<string, PathState>();
  for (const key of keys) next.set(key, toState([...nodes.flatMap((node) => node.children.get(key) ?? []), ...wild]));
  return { end: nodes.some((node) => node.end), next, other: wild.length > 0 ? toState(wild) : undefined };
}
