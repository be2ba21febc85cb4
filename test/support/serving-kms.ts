// The key ports of a server over a real home, with shared executions, cached verdicts and snapshots; only the policy and the
// clock of judgement are in the hands of the test.

import { onTestFinished } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { uuidV7 } from '../../src/bytes/uuid.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { Deadlines } from '../../src/kms/service/deadlines.ts';
import type { GovernanceView } from '../../src/kms/service/governance-view.ts';
import { ungovernedView } from '../../src/kms/service/governance-view.ts';
import type { PqChange } from '../../src/kms/service/key-policy.ts';
import { RecentOperations } from '../../src/kms/service/recent-operations.ts';
import { servingKeys } from '../../src/kms/service/serving-keys.ts';
import { ServingStore } from '../../src/kms/service/serving-store.ts';
import { readTrusted } from '../../src/kms/service/trusted-services.ts';
import { SILENT } from '../../src/kms/telemetry.ts';
import type { Judged } from '../../src/policy/overlay.ts';
import { pqJson, pqOf } from '../../src/policy/state.ts';
import { settled } from '../../src/rollout/phases.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import { MemoryFiles } from '../../src/storage/memory-files.ts';
import { storeContext } from '../../src/storage/store-deps.ts';
import { Turns } from '../../src/storage/turns.ts';
import type { KmsSubject } from '../contract/kms-subject.ts';
import { INIT } from './custody.ts';
import { rememberingCrypto } from './fast-crypto.ts';
import { storeDeps, type TestDeps } from './store.ts';

const DAY_MS = 86_400_000;

const HOME = '/home';
const crypto = rememberingCrypto();

function memory(): MemoryFiles {
  const { clock, env, random } = nodeHost();
  return new MemoryFiles({ clock, random, uid: env.user.uid, capacityBytes: 64 * 1024 * 1024 });
}

const memoryDeps = (files: MemoryFiles): TestDeps =>
  storeDeps(HOME, {
    crypto: async () => crypto,
    hostChange: { files, locks: { acquire: async () => ({ release: () => undefined }) } },
  });

function copyTree(from: MemoryFiles, to: MemoryFiles, path: string): void {
  if (from.info(path)?.type === 'file') {
    const file = to.open(path, 'create-new');
    file.write(from.read(path, Number.MAX_SAFE_INTEGER)!, 0);
    file.close();
    return;
  }
  to.makeDirectory(path);
  for (const name of from.list(path)) copyTree(from, to, `${path}/${name}`);
}

/** One home for all: making it costs more than most tests. */
let template: Promise<MemoryFiles> | undefined;

async function freshHome(): Promise<TestDeps> {
  template ??= (async () => {
    const files = memory();
    await (await initCustody(memoryDeps(files), INIT)).close();
    return files;
  })();
  const files = memory();
  copyTree(await template, files, HOME);
  return memoryDeps(files);
}

export async function servingKms(): Promise<KmsSubject> {
  const deps = await freshHome();
  const inner = await openCustodyStore(deps);
  onTestFinished(() => inner.close());
  const context = await storeContext(deps);
  const { clock } = deps.host;
  const store = new ServingStore(inner, RecentOperations.read(inner, clock.now()), new Deadlines(clock), {
    admit: () => undefined,
    committed: () => undefined,
    failed: () => undefined,
    lost: () => undefined,
  });
  const changes: PqChange[] = [];
  let daysAhead = 0;
  let view: GovernanceView = {
    ...ungovernedView('dev'),
    governed: true,
    ledgerId: 'gl-test',
    genesisNonce: new Uint8Array(16),
    pqChanges: changes,
    lastRaise: () => changes.findLast((one) => (one.to?.phase ?? 0) > (one.from?.phase ?? 0)) ?? null,
  };
  const judged = (): Judged => {
    const aheadMs = daysAhead * DAY_MS;
    const now = {
      wall: toTime(clock.now() + aheadMs),
      boot_id: clock.bootId(),
      boottime_ms: clock.uptimeMs() + aheadMs,
    };
    return { now, highWaterMs: 0 };
  };
  const turns = new Turns();
  const keys = servingKeys({
    source: {
      context,
      crypto: context.crypto,
      store,
      get view() {
        return view;
      },
      judged,
      tampered: false,
      inMemory: false,
      lostAtMs: null,
      demandWritable: () => undefined,
      exclusive: (act) => turns.exclusive(act),
    },
    clock,
    random: deps.host.random,
    telemetry: SILENT,
    trusted: () => readTrusted(deps),
    backend: 'file',
    build: 'test',
    cache: { maxEntries: 100, ttlMs: 60_000 },
    attestDeadlineMs: 3000,
    attestRequirement: () => 'never',
  });
  onTestFinished(() => keys.close());
  return {
    keys: keys.keys,
    signing: keys.signing,
    wrapping: keys.wrapping,
    setPhase: async (phase) => {
      const from = pqOf(view.policy, 'global');
      const to = settled(phase);
      await store.checkpoint();
      changes.push({
        scope: 'global',
        from,
        to,
        judgedAt: judged().now,
        auditSeq: store.logSize,
        origin: store.origin,
      });
      // What an execution records; the ledger line is another one from here on.
      await store.append([
        {
          op: 'time.confirm',
          op_id: uuidV7(clock.now(), deps.host.random.bytes(16)),
          actor: 'system',
          result: 'ok',
          detail: { mark: toTime(clock.now()) },
        },
      ]);
      const policy = { ...view.policy, global: { ...view.policy.global, pq: pqJson(to) } };
      view = {
        ...view,
        policy,
        pqChanges: [...changes],
        ledger: { seq: changes.length, hash: `sha256:${'0'.repeat(64)}` },
      };
    },
    advanceDays: (days) => {
      daysAhead += days;
    },
  };
}
