/**
 * Dotted paths with `*` (`data.buyer.address.*`), followed key by key while a record is walked. A path names a leaf or a whole branch.
 *
 * People write paths in their settings. A table of states would double with each of `a.*.*`, `*.a.*`, `*.*.a` and so on, so there is no table:
 * a state is the set of places in the tree of paths that the keys so far lead to, and a step costs at most one look-up for each place. There
 * are never more places than paths, and mostly there is one, since few settings name a key and a `*` side by side.
 */
export interface PathState {
  /** A path ends here, so it names this value and everything below it. */
  readonly end: boolean;
  readonly places: readonly Place[];
}

/** One place in the tree of paths. A place is also a state of one place, so that most steps allocate nothing. */
interface Place extends PathState {
  end: boolean;
  readonly named: Map<string, Place>;
  /** The place after a `*`. */
  wild: Place | undefined;
}

/** The state before the first key; undefined without paths. Takes time and memory in proportion to the length of the paths. */
export function compilePaths(paths: readonly string[]): PathState | undefined {
  if (paths.length === 0) return undefined;
  const root = newPlace();
  for (const path of paths) {
    let place = root;
    for (const key of path.split('.')) {
      let next = key === '*' ? place.wild : place.named.get(key);
      if (next === undefined) {
        next = newPlace();
        if (key === '*') place.wild = next;
        else place.named.set(key, next);
      }
      place = next;
    }
    place.end = true;
  }
  return root;
}

/** The state after a key; undefined where no path continues. Callers look at `end` first, and do not step on from a state that ends. */
export function step(state: PathState | undefined, key: string): PathState | undefined {
  if (state === undefined) return undefined;
  const { places } = state;
  if (places.length === 1) {
    const { named, wild } = places[0] as Place;
    const next = named.get(key);
    if (next === undefined || wild === undefined) return next ?? wild;
    return { end: next.end || wild.end, places: [next, wild] };
  }
  const reached: Place[] = [];
  let end = false;
  for (const { named, wild } of places) {
    const next = named.get(key);
    if (next !== undefined) reached.push(next);
    if (wild !== undefined) reached.push(wild);
    end ||= next?.end === true || wild?.end === true;
  }
  return reached.length > 1 ? { end, places: reached } : reached[0];
}

function newPlace(): Place {
  const places: Place[] = [];
  const place: Place = { end: false, places, named: new Map(), wild: undefined };
  places.push(place);
  return place;
}
