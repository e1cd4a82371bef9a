import type { Json, JsonObject, KeptAs, NamedAs } from '../source.ts';
import { follow, isPlainAt, type KeptPaths, open, type Places, type Rule, ruleAt, within } from './kept-paths.ts';
import { personalKind } from './personal-field-names.ts';
import { type Sieve, setBits } from './sieve.ts';
import { lookAt, type Signs, signsOf, traitsOf } from './text-traits.ts';

/*
 * What the paths and the names say about a field depends on its key and on the keys around it, and platforms send the same keys again and again. So
 * it is decided once for each place, and the walk over a record asks one map for each key.
 * Measured: keep, search and masking of Stripe's subscription take 63 % of the time that they take with the decisions made for each record.
 */

/** What is known about the values under one key at one place of the records. */
export interface Place {
  key: string;
  /** From where the paths continue below this place. */
  paths: Places;
  /** Of the path that names this place or a branch around it, and of a branch about a person. */
  rule: Rule | 'personal_name' | undefined;
  /** What the name of the field says about a text, or about the texts of a list. */
  named: 'words' | 'ids' | 'texts' | undefined;
  plain: boolean;
  /** A path of the plain forms ends here. */
  plainHere: boolean;
  /** Decides by the value, or by the object around it, where the name of the field is not enough. */
  ask: ((value: Json, around: JsonObject) => Decision) | undefined;
  /** What the key itself may contain, where it has to be searched; undefined for a field name that cannot hide anything. */
  traits: number | undefined;
  /** What a look at the key finds, made when the key comes again: most keys that a sender invents come once. */
  signs: Signs | undefined;
  comesAgain: boolean;
  inner: Map<string, Place> | undefined;
  /** The places of the items, where the list is one. */
  items: Map<string, Place> | undefined;
  decided: Map<Decision, Place> | undefined;
  generation: number;
}

type Decision = KeptAs | 'personal_name' | undefined;

/** The places of one table of kept fields, and how many they are. */
export interface PlaceTable {
  paths: KeptPaths;
  top: Place;
  count: number;
  generation: number;
}

/**
 * Senders invent keys. A table that is full begins anew, and so do all tables together: making a place takes a few microseconds, so that a sender
 * who empties the tables of others pays as much for it as they do.
 */
const placesMax = 2_000;
const allPlacesMax = 100_000;
let all = 0;
const tables = new Set<PlaceTable>();

export function placesFor(paths: KeptPaths): PlaceTable {
  const top = newPlace('', paths.root, undefined, paths.plainEverywhere, false);
  return { paths, top, count: 0, generation: 0 };
}

function newPlace(key: string, paths: Places, rule: Place['rule'], plain: boolean, plainHere: boolean): Place {
  return {
    key,
    paths,
    rule,
    named: undefined,
    plain,
    plainHere,
    ask: undefined,
    traits: undefined,
    signs: undefined,
    comesAgain: false,
    inner: undefined,
    items: undefined,
    decided: undefined,
    generation: 0,
  };
}

/** Makes room for one more place below `around`. */
function makeRoom(table: PlaceTable, around: Place): void {
  if (table.count >= placesMax) empty(table);
  if (all >= allPlacesMax) {
    for (const one of tables) empty(one);
    tables.clear();
  }
  tables.add(table);
  table.count += 1;
  all += 1;
  if (around.generation === table.generation) return;
  // This place is of a table that was emptied, and only the record that is being read still has it.
  around.generation = table.generation;
  around.inner = undefined;
  around.items = undefined;
  around.decided = undefined;
}

function empty(table: PlaceTable): void {
  all -= table.count;
  table.count = 0;
  table.generation += 1;
  table.top.inner = undefined;
}

/**
 * The place of the value under the key; undefined for a key that is no field name. A key that a path spells is a field name; any other key may be
 * a person’s name or number, and is not remembered.
 */
export function placeOfKey(table: PlaceTable, around: Place, key: string): Place | undefined {
  return around.inner?.get(key) ?? makePlace(table, around, key);
}

function makePlace(table: PlaceTable, around: Place, key: string): Place | undefined {
  const form = keyForm(key);
  if (form === 'other' && !spells(around.paths, key)) return undefined;
  const { paths } = table;
  const reached = follow(around.paths, key);
  const declared = ruleAt(reached);
  const plainHere = isPlainAt(reached);
  const place = newPlace(key, open(reached), declared ?? around.rule, around.plain || declared !== undefined || plainHere, plainHere);
  if (declared === 'people' || declared === 'staff' || declared === 'credential') {
    place.paths = open(within(reached, declared));
    place.plain = false;
  }
  if (form !== 'word') place.traits = traitsOf(key);
  const named = declared === undefined && around.rule === undefined ? nameOf(paths, key, around.key) : undefined;
  if (typeof named === 'function') place.ask = named;
  else if (named !== undefined) decideAs(table, place, named);
  makeRoom(table, around);
  place.generation = table.generation;
  around.inner ??= new Map();
  around.inner.set(key, place);
  return place;
}

/** What no path names is decided by the name of its field: by the source where it knows the names, otherwise by the usual names of personal fields. */
function nameOf({ byName }: KeptPaths, key: string, holder: string): NamedAs | Place['ask'] {
  if (byName !== undefined) return byName(key, holder === '' ? undefined : holder);
  return personalKind(key, holder) === undefined ? undefined : (value) => (value === null ? undefined : 'personal_name');
}

/** Adds the words and numbers of the key to the sieve. */
export function addKey(place: Place, sieve: Sieve): void {
  if (place.signs === undefined && place.comesAgain) place.signs = signsOf(place.key);
  if (place.signs === undefined) lookAt(place.key, sieve);
  else {
    setBits(sieve.words, place.signs.words);
    setBits(sieve.ends, place.signs.ends);
  }
  place.comesAgain = true;
}

/** The place, with what was decided about one value at it. */
export function decidedPlace(table: PlaceTable, place: Place, as: Decision): Place {
  if (as === undefined) return place;
  return place.decided?.get(as) ?? makeDecided(table, place, as);
}

const ruleNamed = { word: 'words', id: 'ids', text: 'texts' } as const;

function makeDecided(table: PlaceTable, place: Place, as: KeptAs | 'personal_name'): Place {
  const made = newPlace(place.key, place.paths, place.rule, place.plain, place.plainHere);
  made.traits = place.traits;
  decideAs(table, made, as);
  makeRoom(table, place);
  made.generation = table.generation;
  place.decided ??= new Map();
  place.decided.set(as, made);
  return made;
}

function decideAs(table: PlaceTable, place: Place, as: KeptAs | 'personal_name'): void {
  if (as === 'staff' && table.paths.keepsStaff) place.rule = 'texts';
  else if (as === 'person' || as === 'staff' || as === 'personal_name') {
    place.rule = as === 'person' ? 'people' : as;
    place.plain = place.plainHere;
  } else place.named = ruleNamed[as];
}

/** The place of an item of a list, which is named by a path or like its list. */
export function placeOfItem(table: PlaceTable, list: Place, index: number): Place {
  if (list.paths.length === 0) return list;
  // Paths name few items one by one, and all others alike.
  const name = String(index);
  const key = list.paths.some(({ named }) => named.has(name)) ? name : '*';
  return list.items?.get(key) ?? makeItem(table, list, key, follow(list.paths, name));
}

function makeItem(table: PlaceTable, list: Place, key: string, reached: Places): Place {
  const declared = ruleAt(reached);
  const closed = declared === 'people' || declared === 'staff' || declared === 'credential';
  const made = newPlace(
    list.key,
    reached.length === 0 ? reached : open(closed ? within(reached, declared) : reached),
    declared ?? list.rule,
    reached.length === 0 ? list.plain : !closed && (list.plain || declared !== undefined || isPlainAt(reached)),
    false,
  );
  made.named = list.named;
  makeRoom(table, list);
  made.generation = table.generation;
  list.items ??= new Map();
  list.items.set(key, made);
  return made;
}

const fieldName = /^[\p{L}_$@][\p{L}\p{M}\p{N}_$@:.[\]-]{0,99}$/u;

/**
 * The form of a key: a field name that cannot hide anything, a field name that may be or contain an identifier or a full name because it has
 * digits or several words, or no field name.
 */
function keyForm(key: string): 'word' | 'searched' | 'other' {
  if (!fieldName.test(key)) return 'other';
  return key.length > 6 && /[\d@]|[a-z].*[A-Z]|\p{L}[_.:-]\p{L}|[^\0-\x7f]/u.test(key) ? 'searched' : 'word';
}

/** Whether a path spells the key, which is then a field name in any form. */
function spells(places: Places, key: string): boolean {
  return key.length <= 200 && key.isWellFormed() && !key.includes('\0') && places.some(({ named }) => named.has(key));
}
