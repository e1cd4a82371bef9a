import { Failure, UsageError } from './errors.ts';

/** The one thing that `text` means: by its id, else by a name, in whatever case. Throws Failure for none, UsageError for several. */
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
  if (another) throw new UsageError(`Several are called ${text}: give the ${noun}'s id instead: ${found.map(({ id }) => id).join(', ')}.`);
  if (thing) return thing;
  throw new Failure(`There is no ${noun} called ${text}, or this user may not see it.`);
}
