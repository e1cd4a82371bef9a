import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { actionsOf, auditSubjects } from './actions.ts';
import { sentenceOf } from './sentence.ts';

const entry = { id: 1, actorId: 'ana', action: 'orgs.update', targetId: 'bia', detail: {}, createdAt: '2026-01-01T00:00:00Z' };
const say = (change: Partial<typeof entry>) =>
  sentenceOf(
    { ...entry, ...change },
    (id) => `<${id}>`,
    (word) => word,
  );
const snapshot = readFileSync(new URL('../../../../../supabase/snapshot.sql', import.meta.url), 'utf8');

/** Every table and command that the database has an audit trigger for. */
const triggered = [...snapshot.matchAll(/CREATE TRIGGER \S+ AFTER (.+?) ON (?:public|private)\.(\w+) .*private\.audit\(/g)].flatMap(
  ([, commands = '', table = '']) => (commands.match(/INSERT|UPDATE|DELETE/g) ?? []).map((command) => `${table}.${command.toLowerCase()}`),
);
// No role has the grant for these commands.
const never = new Set(['projects.delete', 'source_connections.delete']);

describe('sentences of the audit log', () => {
  it('exist for every action that a trigger writes', () => {
    expect(triggered.length).toBeGreaterThan(20);
    const known = auditSubjects.flatMap(actionsOf);
    expect(triggered.filter((action) => !known.includes(action) && !never.has(action))).toEqual([]);
    expect(known.filter((action) => say({ action })[0] === 'other')).toEqual([]);
  });

  it('distinguish a member who left from one who was removed, and one who joined from one who was added', () => {
    expect(say({ action: 'org_members.delete', targetId: 'ana' })).toEqual(['memberLeft']);
    expect(say({ action: 'org_members.delete' })).toEqual(['memberRemoved', { target: '<bia>' }]);
    expect(say({ action: 'org_members.insert', targetId: 'ana', detail: { role: 'owner' } })).toEqual(['memberJoined', { role: 'owner' }]);
  });

  it('name the old and the new value of a change', () => {
    const change = (key: string, from: unknown, to: unknown) => ({ [key]: { from, to } });
    expect(say({ detail: change('name', 'Old', 'New') })).toEqual(['orgRenamed', { from: 'Old', to: 'New' }]);
    expect(say({ detail: change('rate_limit_per_second', 5, null) })).toEqual(['orgUnlimited', { from: '5', to: '–' }]);
    expect(say({ action: 'source_connections.update', detail: change('is_active', true, false) })[0]).toBe('connectionPaused');
    expect(say({ action: 'org_members.update', detail: change('role', 'analyst', 'admin') })).toEqual([
      'memberRole',
      { target: '<bia>', from: 'analyst', to: 'admin' },
    ]);
  });

  it('fall back to the name of an action that has no sentence', () => {
    expect(say({ action: 'comets.insert' })).toEqual(['other', { action: 'comets.insert', target: '<bia>' }]);
  });
});
