import type { Json, JsonObject } from '@tributary/pipeline/source.ts';
import type { Choices } from './choices.ts';
import { anyKey, anyText, anyValue } from './values.ts';

/** A place in a body: the value is `holder[key]`. */
interface Place {
  holder: JsonObject | Json[];
  key: string | number;
}

/** Changes a body in up to `times` places. The body may be changed in place, and the changed body is returned. */
export function mutate(body: Json, times: number, choices: Choices): Json {
  const root: JsonObject = { body };
  for (let n = 0; n < times; n++) {
    const places = placesIn(root);
    if (places.length > 0) choices.one(mutations)(choices.one(places), choices, places);
  }
  return root.body ?? null;
}

const mutations: readonly ((place: Place, choices: Choices, places: readonly Place[]) => void)[] = [
  (place, choices) => put(place, anyValue(choices)),
  (place, choices) => put(place, anyValue(choices)),
  (place, choices) => put(place, otherType(get(place), choices)),
  (place, choices) => put(place, withText(get(place), choices)),
  (place, choices) => put(place, withText(get(place), choices)),
  (place, _choices) => remove(place),
  (place, choices) => rename(place, choices.chance(50) ? anyKey(choices) : respelled(String(place.key), choices)),
  (place, choices) => setOn(get(place), anyKey(choices), anyValue(choices)),
  (place, choices) => setOn(place.holder, anyKey(choices), structuredClone(get(place))),
  // The value of one field in another field: a personal value where the source expects none, or an id where it expects a text.
  (place, choices, places) => put(choices.one(places), structuredClone(get(place))),
  (place, choices, places) => {
    const other = choices.one(places);
    const value = get(other);
    if (isWithin(get(place), other.holder) || isWithin(value, place.holder)) return;
    put(other, get(place));
    put(place, value);
  },
  (place, choices, places) => {
    const texts = places.map(get).filter((value) => typeof value === 'string');
    if (texts.length > 0)
      put(place, `${choices.one(['', 'Re: ', 'compra de ', 'x'])}${choices.one(texts)}${choices.one(['', '.', ' ok', '1'])}`);
  },
  (place) => put(place, [get(place)]),
  (place, choices) => put(place, { [anyKey(choices)]: get(place) }),
  (place) => {
    const value = get(place);
    const [first] = typeof value === 'object' && value !== null ? Object.values(value) : [];
    if (first !== undefined) put(place, first);
  },
  (place, choices) => {
    const value = get(place);
    if (!Array.isArray(value) || value.length === 0) return;
    const more = Array.from({ length: choices.below(4) }, () => structuredClone(choices.one(value)));
    value.push(...more);
  },
  (place, choices) => {
    let deep: Json = get(place);
    const levels = choices.chance(90) ? choices.below(12) : 90 + choices.below(20);
    for (let level = 0; level < levels; level++) deep = choices.chance(50) ? [deep] : { [choices.one(['a', 'data', 'items'])]: deep };
    put(place, deep);
  },
  (place, choices) => {
    const value = get(place);
    if (typeof value === 'string') put(place, cutOrGrow(value, choices));
  },
];

const get = ({ holder, key }: Place): Json => (holder as JsonObject)[key as string] ?? null;

function put({ holder, key }: Place, value: Json): void {
  // Defined and not assigned, because a field may have the name __proto__.
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function remove({ holder, key }: Place): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

function rename(place: Place, key: string): void {
  const value = get(place);
  if (Array.isArray(place.holder)) return;
  remove(place);
  put({ holder: place.holder, key }, value);
}

function setOn(holder: Json, key: string, value: Json): void {
  if (Array.isArray(holder)) holder.push(value);
  else if (typeof holder === 'object' && holder !== null) put({ holder, key }, value);
}

function placesIn(root: JsonObject): Place[] {
  const places: Place[] = [];
  const holders: (JsonObject | Json[])[] = [root];
  for (let holder = holders.pop(); holder && places.length < 2_000; holder = holders.pop()) {
    for (const key of Object.keys(holder)) {
      const place = { holder, key };
      places.push(place);
      const value = get(place);
      if (typeof value === 'object' && value !== null) holders.push(value);
    }
  }
  return places;
}

function isWithin(value: Json, wanted: JsonObject | Json[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value === wanted || Object.values(value).some((inner) => isWithin(inner, wanted));
}

function otherType(value: Json, choices: Choices): Json {
  if (typeof value === 'number') return choices.chance(50) ? String(value) : value * choices.one([-1, 10, 0.01, 1e15]);
  if (typeof value === 'string') {
    const number = Number(value);
    return choices.chance(50) && Number.isFinite(number) ? number : choices.one<Json>([[value], { value }, value.split(''), value.length]);
  }
  if (typeof value === 'boolean') return choices.one<Json>([String(value), Number(value), !value]);
  return choices.one<Json>([JSON.stringify(value).slice(0, 4_000), [], {}, null, '']);
}

function withText(value: Json, choices: Choices): Json {
  const text = anyText(choices);
  if (typeof value !== 'string') return text;
  return choices.one([text, value + text, `${text} ${value}`, `${value} ${text} ${value}`, value.toUpperCase(), value.normalize('NFD')]);
}

function cutOrGrow(text: string, choices: Choices): string {
  if (choices.chance(40)) return text.slice(0, choices.below(text.length + 1));
  if (choices.chance(40)) return text.repeat(1 + choices.below(5));
  const at = choices.below(text.length + 1);
  return text.slice(0, at) + choices.one(['\u200b', '\u00ad', '.', ' ', '\u0301', '0', '%20', '&amp;', '\ud83d\ude00']) + text.slice(at);
}

function respelled(key: string, choices: Choices): string {
  return choices.one([
    key.toUpperCase(),
    `_${key}`,
    `${key}_id`,
    key.replaceAll('_', ''),
    key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()),
    `${key} `,
  ]);
}
