// What a home wrote itself and finds changed: a command says what it would have said, or 10. Never another answer, never "does
// not parse" (3), which is for files that a person gives, and never a bug (1).

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalText } from '../../src/bytes/canonical-json.ts';
import { RonError } from '../../src/errors.ts';
import { planFor } from '../../src/governance/execution-plan.ts';
import { readHomeState } from '../../src/kms/service/home-reader.ts';
import { openSession, type Session } from '../../src/kms/service/session.ts';
import { listProposals } from '../../src/operations/governance/list.ts';
import { custodyPaths } from '../../src/storage/custody-state.ts';
import { homePaths } from '../../src/storage/home.ts';
import { createKey } from '../support/custody.ts';
import { GovernedStore } from '../support/governed-store.ts';

let made: GovernedStore;
beforeAll(async () => {
  made = await GovernedStore.create();
  await made.carryOut({ changes: ['caps.max_ttl_s=600'] });
  const open = await made.propose({ changes: ['caps.max_active=90'] });
  await made.vote('approve', 'bob', open);
  await made.ingest();
});
afterAll(() => made.remove());

/** Decided and in force, in any order of the index. */
const stateOf = ({ governance, ledger }: Session): string =>
  canonicalText([
    governance.policy.global,
    [...ledger!.state.index.values()]
      .map((one) => [one.id, one.decision, one.execution, one.approvals])
      .toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1)),
  ]);

const SAYS = {
  list: async (world: GovernedStore) => {
    const { proposals } = await listProposals({ all: true }, world.deps());
    return canonicalText(proposals.map(({ id, status, approvals }) => [id, status, approvals]));
  },
  policy: async (world: GovernedStore) => {
    const { trust, policy } = await readHomeState(world.storeDeps());
    return canonicalText([trust, policy.policy.global]);
  },
  open: async (world: GovernedStore) => {
    const session = await openSession(world.storeDeps());
    const said = stateOf(session);
    await session.close();
    return said;
  },
};

async function answer(act: () => Promise<string>): Promise<string> {
  try {
    return await act();
  } catch (error) {
    return error instanceof RonError ? `exit ${error.exit}` : String(error);
  }
}

function ownFiles(): string[] {
  const below = (directory: string): string[] =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(made.home, join(entry.parentPath, entry.name)));
  const { audit, ledger, trust } = homePaths(made.home);
  const { publicView } = custodyPaths({ paths: homePaths(made.home) });
  return [...below(audit), ...below(ledger), ...below(trust), relative(made.home, publicView)].sort();
}

describe('one changed byte in a file of the home', () => {
  it('changes no answer: as before, or 10', async () => {
    const said: Record<string, string> = {};
    const untouched = made.copy();
    for (const [name, act] of Object.entries(SAYS)) said[name] = await answer(() => act(untouched));
    untouched.remove();
    const wrong: string[] = [];
    const files = ownFiles();
    expect(files.length).toBeGreaterThan(12);
    for (const file of files) {
      const bytes = readFileSync(join(made.home, file));
      for (const part of [0.03, 0.5, 0.97]) {
        const at = Math.floor(bytes.length * part);
        const world = made.copy();
        writeFileSync(join(world.home, file), bytes.with(at, bytes[at]! ^ (at % 2 === 0 ? 1 : 0x10)));
        for (const [name, act] of Object.entries(SAYS)) {
          const now = await answer(() => act(world));
          if (now !== said[name] && now !== 'exit 10') wrong.push(`${file}, byte ${at}, ${name}: ${now.slice(0, 200)}`);
        }
        world.remove();
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('a dry run', () => {
  it('refuses a log that was cut below its head as the real run does', async () => {
    const world = made.copy();
    const session = await openSession(world.storeDeps());
    const detail = { kind: 'integrity', state: 'on' };
    await session.store.append([{ op: 'interlock', actor: session.actor, result: 'ok', detail }]);
    await session.store.close();
    const segment = join(world.home, 'audit/e0/segments/000000.jsonl');
    const lines = readFileSync(segment, 'utf8').split('\n');
    writeFileSync(segment, `${lines.slice(0, -2).join('\n')}\n`);
    for (const dryRun of [true, false]) {
      await expect(openSession(world.storeDeps(), { dryRun }), `dry run ${dryRun}`).rejects.toMatchObject({
        code: 'Tampered',
        field: 'head-mismatch',
      });
    }
    world.remove();
  });
});

describe('an old record of the log, rewritten under the op_id of a plan', () => {
  it('does not pass for the effect: nothing is skipped and nothing is signed', async () => {
    const world = made.copy();
    const action = { name: 'root-rotate' } as const;
    const proposed = await world.propose({ action, author: 'carol' });
    for (const by of ['alice', 'bob']) await world.vote('approve', by, proposed);
    // A key, so that an open reads from the `state` record about it on, and no older record.
    const session = await openSession(world.storeDeps());
    await session.store.mutate(createKey());
    await session.close();
    const segment = join(world.home, 'audit/e0/segments/000000.jsonl');
    const lines = readFileSync(segment, 'utf8').split('\n');
    const { op_id } = planFor(proposed.digest, action)[0]!;
    const forge = (seq: number): string => {
      const { detail: _detail, ...record } = JSON.parse(lines[2]!) as Record<string, unknown>;
      const args = `sha256:${'0'.repeat(64)}`;
      const detail = { proposal_digest: proposed.digest, n: 0, args };
      const marks = { generation: 9, manifest_sha256: '0'.repeat(64), public_sha256: '0'.repeat(64) };
      return canonicalText({ ...record, ...marks, seq, op: 'root-rotate', op_id, result: 'ok', detail });
    };
    const newest = lines.length - 2;
    for (const seq of [2, newest]) {
      const copy = world.copy();
      writeFileSync(join(copy.home, 'audit/e0/segments/000000.jsonl'), lines.with(2, forge(seq)).join('\n'));
      await expect(copy.execute(proposed), `as record ${seq}`).rejects.toMatchObject({ code: 'Tampered' });
      copy.remove();
    }
    expect(await world.execute(proposed)).toMatchObject({ replayed: false });
    world.remove();
  });
});
