import { Failure, UsageError } from './errors.ts';

/** Finds the one thing with this id, or else with this name, ignoring case. Throws Failure when nothing matches, UsageError when several do. */
export function findByName<Thing extends { id: string }>(
  things: readonly Thing[],
  text: string,
  noun: string,
  namesOf: (thing: Thing) => readonly string[],
): Thing {
  const wanted = text.trim().toLowerCase();
  const byId = things.find(({ id }) => id === wanted);
  if (byId) return byId;
  const named = (same: (name: string) => boolean) => things.filter((thing) => namesOf(thing).some(same));
  const exact = named((name) => name === text);
  const found = exact.length > 0 ? exact : named((name) => name.toLowerCase() === wanted);
  const [thing, another] = found;
  if (another)
    throw new UsageError(
      `More than one ${noun} is called ${text}. Give one of these ids instead: ${found.map(({ id }) => id).join(', ')}.`,
    );
  if (thing) return thing;
  throw new Failure(`There is no ${noun} called ${text}, or this user may not see it.`);
}
