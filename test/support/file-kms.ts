// The in-process key services over a real home: sealed records, key files, audit log and checkpoints are those of the
// product; the policy and the clock of judgement are in the hands of the test.

import { onTestFinished } from 'vitest';
import { toTime } from '../../src/bytes/time.ts';
import { readHomeState } from '../../src/kms/service/home-reader.ts';
import { inProcessKeys } from '../../src/kms/service/in-process.ts';
import type { PolicyInForce, PqChange } from '../../src/kms/service/key-policy.ts';
import { readTrusted } from '../../src/kms/service/trusted-services.ts';
import type { Judged } from '../../src/policy/overlay.ts';
import { initialPolicy, pqJson, pqOf } from '../../src/policy/state.ts';
import { settled } from '../../src/rollout/phases.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import type { KmsSubject } from '../contract/kms-subject.ts';
import { INIT } from './custody.ts';
import { storeDeps, temporaryHome } from './store.ts';

const DAY_MS = 86_400_000;

export async function fileKms(): Promise<KmsSubject> {
  const deps = storeDeps(temporaryHome());
  const store = await initCustody(deps, INIT);
  onTestFinished(() => store.close());
  let policy = initialPolicy('dev');
  let daysAhead = 0;
  const changes: PqChange[] = [];

  const judged = (): Judged => {
    const { clock } = deps.host;
    const aheadMs = daysAhead * DAY_MS;
    return {
      now: {
        wall: toTime(clock.now() + aheadMs),
        boot_id: clock.bootId(),
        boottime_ms: clock.uptimeMs() + aheadMs,
      },
      highWaterMs: 0,
    };
  };
  const inForce = (): PolicyInForce => ({
    governed: true,
    ledgerId: 'gl-test',
    profile: 'dev',
    genesisNonce: new Uint8Array(16),
    policy,
    overlays: [],
    lastRaise: () => changes.findLast((one) => (one.to?.phase ?? 0) > (one.from?.phase ?? 0)) ?? null,
    pqChanges: changes,
  });
  const kms = inProcessKeys({
    random: deps.host.random,
    crypto: deps.crypto,
    reader: async () => {
      await store.checkpoint();
      return { ...(await readHomeState(deps)), trust: 'authenticated', policy: inForce(), judged: judged() };
    },
    trusted: () => readTrusted(deps),
    unsealed: async () => ({ store, readOnly: false, policy: inForce, judged }),
  });
  return {
    ...kms,
    setPhase: (phase) => {
      const from = pqOf(policy, 'global');
      policy = { ...policy, global: { ...policy.global, pq: pqJson(settled(phase)) } };
      const place = { judgedAt: judged().now, auditSeq: store.logSize, origin: store.origin };
      changes.push({ scope: 'global', from, to: settled(phase), ...place });
    },
    advanceDays: (days) => {
      daysAhead += days;
    },
  };
}
