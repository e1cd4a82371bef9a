/**
 * Dotted paths with `*` (`data.buyer.address.*`), followed key by key while a record is walked. A path names a leaf or a whole branch.
 *
 * Paths come from people's settings: `a.*.*`, `*.a.*`, `*.*.a` and so on would make a table of states twice as large with every path.
 * So none is made. A state is the set of places in the tree of paths that the keys so far may lead to, and a step costs at most one
 * look-up for each: never more than there are paths, and one for most, since few settings name a key and a `*` side by side.
 */
export interface PathState {
  /** A path ends here: this value and everything below it are meant. */
  readonly end: boolean;
  readonly places: readonly Place[];
}

/** One place in the tree of paths; by itself it is a state too, so that most steps make nothing new. */
interface Place extends PathState {
  end: boolean;
  readonly named: Map<string, Place>;
  /** Where a `*` leads. */
  wild: Place | undefined;
}

/** The state before the first key; undefined without paths. Takes time and memory in proportion to their length. */
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

/** The state after a key; undefined where no path goes on. An ending state is never left: `end` is asked first. */
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
