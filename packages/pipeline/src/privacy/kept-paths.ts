import type { KeptFields } from '../source.ts';

/** What a path says about the values at it and below it. */
export type Rule = 'words' | 'ids' | 'texts' | 'people' | 'staff' | 'credential';

/** One place in the tree of paths. */
interface Place {
  readonly named: Map<string, Place>;
  /** The place after a `*`. */
  wild: Place | undefined;
  rule: Rule | undefined;
  plain: boolean;
  /** How many `*` lead to this place. */
  wilds: number;
}

/** Where the keys so far lead to in the tree of paths; mostly one place, since few sources name a key and a `*` side by side. */
export type Places = readonly Place[];

export interface KeptPaths {
  root: Places;
  plainEverywhere: boolean;
  idForm: RegExp;
}

const nowhere: Places = [];
/** Of two paths of one length the first of these decides. */
const strictness: readonly Rule[] = ['credential', 'people', 'staff', 'texts', 'ids', 'words'];

/** Takes time and memory in proportion to the length of the paths, which people write in their settings. */
export function compileKept(kept: KeptFields, credentials: readonly string[], keepsStaff: boolean): KeptPaths {
  const root = newPlace(0);
  const add = (paths: readonly string[], rule: Rule | undefined) => {
    for (const path of paths) {
      const place = placeOf(root, path);
      if (rule === undefined) place.plain = true;
      else if (place.rule === undefined || strictness.indexOf(rule) < strictness.indexOf(place.rule)) place.rule = rule;
    }
  };
  add(kept.words, 'words');
  add(kept.ids, 'ids');
  add(kept.texts, 'texts');
  add(kept.staff, keepsStaff ? 'texts' : 'staff');
  add(kept.people, 'people');
  add(credentials, 'credential');
  if (kept.plain !== 'everywhere') add(kept.plain, undefined);
  return { root: [root], plainEverywhere: kept.plain === 'everywhere', idForm: kept.idForm };
}

function newPlace(wilds: number): Place {
  return { named: new Map(), wild: undefined, rule: undefined, plain: false, wilds };
}

function placeOf(root: Place, path: string): Place {
  let place = root;
  for (const key of path.split('.')) {
    let next = key === '*' ? place.wild : place.named.get(key);
    if (next === undefined) {
      next = newPlace(place.wilds + (key === '*' ? 1 : 0));
      if (key === '*') place.wild = next;
      else place.named.set(key, next);
    }
    place = next;
  }
  return place;
}

/** The places after a key. */
export function follow(places: Places, key: string): Places {
  if (places.length === 0) return places;
  if (places.length === 1) {
    const { named, wild } = places[0] as Place;
    const next = named.get(key);
    if (next === undefined) return wild === undefined ? nowhere : one(wild);
    return wild === undefined ? one(next) : [next, wild];
  }
  const reached: Place[] = [];
  for (const { named, wild } of places) {
    const next = named.get(key);
    if (next !== undefined) reached.push(next);
    if (wild !== undefined) reached.push(wild);
  }
  return reached;
}

const single = new WeakMap<Place, Places>();

/** A list of one place, made once, so that most steps allocate nothing. */
function one(place: Place): Places {
  let places = single.get(place);
  if (places === undefined) {
    places = [place];
    single.set(place, places);
  }
  return places;
}

/** The rule of the paths that end here; of several the strictest. */
export function ruleAt(places: Places): Rule | undefined {
  let found: Rule | undefined;
  for (const { rule } of places)
    if (rule !== undefined && (found === undefined || strictness.indexOf(rule) < strictness.indexOf(found))) found = rule;
  return found;
}

/** The places from which a path continues. */
export function open(places: Places): Places {
  if (places.length === 1) return isOpen(places[0] as Place) ? places : nowhere;
  return places.filter(isOpen);
}

const isOpen = ({ named, wild }: Place): boolean => named.size > 0 || wild !== undefined;

export function isPlainAt(places: Places): boolean {
  return places.some(({ plain }) => plain);
}

/**
 * The places that may decide inside a branch about a person: those of paths that spell the branch as exactly as the path of the branch does, so
 * that `*.*.id` keeps no id of a person in `data.buyer`.
 */
export function within(places: Places, rule: Rule): Places {
  if (places.length <= 1) return places;
  const wilds = Math.min(...places.filter((place) => place.rule === rule).map((place) => place.wilds));
  return places.filter((place) => place.wilds <= wilds);
}
