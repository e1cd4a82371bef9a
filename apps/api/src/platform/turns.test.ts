import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

function make(most: number) {
  const turns = createTurns(most);
  const started: string[] = [];
  const take = (orgId: string, id = orgId) => {
    const turn = turns.take({ id, orgId });
    void turn?.started.then(() => started.push(id));
    return turn !== undefined;
  };
  const end = async (orgId?: string, id = orgId) => {
    if (orgId !== undefined) turns.end({ id: id ?? orgId, orgId });
    await Promise.resolve();
  };
  return { take, started, end };
}

test('an org has one turn at a time, so that a turn is left for another org', async () => {
  const { take, started, end } = make(2);
  for (let n = 0; n < 10; n++) take('a');
  take('b');
  await end();
  expect(started).toEqual(['a', 'b']);
});

test('orgs take their turns in rotation, however much one of them asks for', async () => {
  const { take, started, end } = make(1);
  for (let n = 0; n < 10; n++) take('a');
  take('b');
  take('c');
  for (const org of ['a', 'b', 'c', 'a', 'a']) await end(org);
  expect(started.slice(0, 5)).toEqual(['a', 'b', 'c', 'a', 'a']);
});

test('the connections of an org take the turns of the org in rotation', async () => {
  const { take, started, end } = make(2);
  for (let n = 0; n < 3; n++) take('a', 'a1');
  take('a', 'a2');
  for (const id of ['a1', 'a2', 'a1']) await end('a', id);
  expect(started).toEqual(['a1', 'a2', 'a1', 'a1']);
});

test('a connection that asks for too much is refused, and another connection is not', async () => {
  const { take } = make(1);
  expect(Array.from({ length: 40 }, () => take('a', 'a1')).filter(Boolean)).toHaveLength(33);
  expect(take('a', 'a2')).toBe(true);
  expect(take('b')).toBe(true);
});
