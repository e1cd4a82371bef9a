import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CliStack, startCliStack } from './test/stack.ts';

let stack: CliStack;
beforeAll(async () => {
  stack = await startCliStack();
}, 60_000);
afterAll(() => stack?.close());

it('verifies the chain of the audit log on the server and in an exported file, and says where it is broken', async () => {
  const verdict = await stack.json('tributary', ['audit', 'verify']);
  expect(verdict).toMatchObject({ isEnd: true, problem: null });
  expect(verdict.entries).toBe(verdict.verifiedTo);
  const after = await stack.json('tributary', ['audit', 'verify', '--after', String(verdict.verifiedTo), '--hash', verdict.hash]);
  expect(after).toMatchObject({ entries: 0, problem: null });

  const { code, stdout } = await stack.run('tributary', ['audit', 'export']);
  expect(code).toBe(0);
  const file = join(stack.home, 'audit.ndjson');
  writeFileSync(file, stdout);
  expect(await stack.json('tributary', ['audit', 'verify', '--file', file])).toMatchObject({
    entries: verdict.entries + 1,
    problemAt: null,
  });
  const lines = stdout.trim().split('\n');
  for (const broken of [
    lines.toSpliced(2, 1),
    lines.with(2, (lines[2] ?? '').replace('"action":"', '"action":"x')),
    lines.with(2, (lines[2] ?? '').replace(/"canonical":"\[3/, '"canonical":"[4')),
  ]) {
    writeFileSync(file, broken.join('\n'));
    const ended = await stack.run('tributary', ['audit', 'verify', '--file', file]);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe('The chain is broken at entry 3.\n');
  }
  writeFileSync(file, 'something else');
  expect((await stack.run('tributary', ['audit', 'verify', '--file', file])).code).toBe(1);
  expect((await stack.run('tributary', ['audit', 'verify', '--hash', verdict.hash])).code).toBe(2);
});

it('lists what waits for a second person, and lets a colleague approve it', async () => {
  const { token, id } = await stack.makeUser('colleague@people.example');
  await stack.sql(`insert into public.org_members (org_id, user_id, role) values ($1, $2, 'admin')`, [stack.orgId, id]);
  await stack.api('PATCH', `/api/orgs/${stack.orgId}/security`, { secondPerson: ['rotate_key'] });
  const { approvalId } = await stack.api('POST', `/api/orgs/${stack.orgId}/keys/rotate`, { kind: 'hash' });
  expect(await stack.json('tributary', ['approvals'])).toMatchObject([{ id: approvalId, summary: 'Make a new hash key.' }]);
  const mine = await stack.run('tributary', ['approvals', 'approve', approvalId]);
  expect(mine.code).toBe(1);
  expect(mine.stderr).toContain('Another person must decide what you have requested.');
  const colleague = { env: { TRIBUTARY_TOKEN: token, TRIBUTARY_ORG: stack.orgId } };
  expect(await stack.json('tributary', ['approvals', 'approve', approvalId], colleague)).toMatchObject({
    status: 'approved',
    decidedBy: id,
  });
  expect((await stack.run('tributary', ['approvals', 'approve'])).code).toBe(2);
  const listed = await stack.run('tributary', ['approvals', '--all']);
  expect(listed.stdout).toContain('approved');
});
