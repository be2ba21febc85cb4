// The in-process key services over a memory store, with policy, clock and log in the hands of the test.

import { fromTime, toTime } from '../../src/bytes/time.ts';
import type { DualPublicKeys } from '../../src/envelope/dual-signature.ts';
import { fail } from '../../src/errors.ts';
import type { LogPlace } from '../../src/keys/acceptance.ts';
import type { Trust } from '../../src/kms/ports.ts';
import { inProcessKeys, type KeyKms } from '../../src/kms/service/in-process.ts';
import type { PolicyInForce, PqChange } from '../../src/kms/service/key-policy.ts';
import type { KeyReader, ProvenLog, TrustedService } from '../../src/kms/service/reader.ts';
import type { Judged, Overlay } from '../../src/policy/overlay.ts';
import { initialPolicy, type PolicyState, pqJson, type Scope } from '../../src/policy/state.ts';
import { type Phase, type PqState, settled } from '../../src/rollout/phases.ts';
import { testCrypto } from './crypto.ts';
import { type MemoryCustody, memoryCustody } from './memory-custody.ts';

export const START = '2026-11-20T08:00:00.000Z';
const DAY_MS = 86_400_000;

export interface MemoryKms extends KeyKms {
  readonly store: MemoryCustody;
  /** What the reader answers; replace members to see the service refuse. */
  readonly reading: { trust: Trust; log: ProvenLog | null; highWaterMs: number };
  advanceDays(days: number): void;
  setPhase(phase: Phase): void;
  /** An execution that sets pq of a scope; its audit record stands at the current end of the log. */
  setPq(scope: Scope, pq: PqState | null): void;
  setOverlays(overlays: readonly Overlay[]): void;
  setPolicy(change: (state: PolicyState) => PolicyState): void;
  /** The service anew on the same store, as another process opens it. */
  reopen(): KeyKms;
  inForce(): PolicyInForce;
  judged(): Judged;
}

export async function memoryKms(
  options: { readonly governed?: boolean; readonly profile?: 'dev' | 'macronode'; readonly phase?: Phase } = {},
): Promise<MemoryKms> {
  const crypto = testCrypto();
  const governed = options.governed ?? true;
  const profile = options.profile ?? 'dev';
  const store = await memoryCustody(crypto, { governed, profile, nowMs: fromTime(START) });
  let policy = initialPolicy(profile);
  let overlays: readonly Overlay[] = [];
  const changes: PqChange[] = [];
  const reading = { trust: 'authenticated' as Trust, log: provenLog(store) as ProvenLog | null, highWaterMs: 0 };

  const judged = (): Judged => ({
    now: { wall: toTime(store.nowMs), boot_id: 'boot', boottime_ms: store.nowMs - fromTime(START) },
    highWaterMs: reading.highWaterMs,
  });
  const inForce = (): PolicyInForce => ({
    governed,
    ledgerId: governed ? 'gl-test' : null,
    profile,
    genesisNonce: governed ? new Uint8Array(16) : null,
    policy,
    overlays,
    lastRaise: (scope) =>
      changes.findLast((one) => one.scope === scope && (one.to?.phase ?? -1) > (one.from?.phase ?? -1)) ?? null,
    pqChanges: [...changes],
  });

  const ownOf = (scope: Scope): PqState | null => {
    const values = scope === 'global' ? policy.global : policy.tenants[scope.slice('tenant:'.length)];
    return (values?.['pq'] as unknown as PqState | undefined) ?? null;
  };
  const setPq = (scope: Scope, pq: PqState | null): void => {
    const from = ownOf(scope);
    const values = pq === null ? {} : { pq: pqJson(pq) };
    policy =
      scope === 'global'
        ? { ...policy, global: { ...policy.global, ...values } }
        : { ...policy, tenants: { ...policy.tenants, [scope.slice('tenant:'.length)]: values } };
    changes.push({ scope, from, to: pq, judgedAt: judged().now, auditSeq: store.logSize, origin: store.origin });
    void store.append([
      { op: 'attest', actor: 'system', result: 'ok', detail: { class: 'x', evidence_sha256: '0'.repeat(64) } },
    ]);
  };
  if (options.phase !== undefined) {
    policy = { ...policy, global: { ...policy.global, pq: pqJson(settled(options.phase)) } };
  }

  const service = await store.serviceKeys();
  const serviceKeys: DualPublicKeys[] = [{ ed25519: service.ed25519.publicKey, ml_dsa_65: service.mlDsa.publicKey }];
  const trusted: TrustedService = {
    serviceKeys,
    checkProof: () => fail('NoTrustedKey', 'the memory log has no checkpoints'),
  };
  const open = (): KeyKms =>
    inProcessKeys({
      random: { bytes: (length) => globalThis.crypto.getRandomValues(new Uint8Array(length)) },
      crypto: async () => crypto,
      reader: async (): Promise<KeyReader> => ({
        trust: reading.trust,
        storeId: store.storeId,
        view: store.view,
        ...trusted,
        policy: inForce(),
        judged: judged(),
        log: reading.log,
        keyFile: (name) => store.files.get(name) ?? null,
      }),
      trusted: async () => [trusted],
      unsealed: async () => ({ store, readOnly: false, policy: inForce, judged }),
    });
  return {
    ...open(),
    reopen: open,
    store,
    reading,
    inForce,
    judged,
    advanceDays: (days) => {
      store.nowMs += days * DAY_MS;
    },
    setPhase: (phase) => setPq('global', settled(phase)),
    setPq,
    setOverlays: (next) => {
      overlays = next;
    },
    setPolicy: (change) => {
      policy = change(policy);
    },
  };
}

/** Every record counts as proved. */
export function provenLog(store: MemoryCustody): ProvenLog {
  const place = (seq: number): LogPlace => ({ epoch: 0, seq });
  return {
    epoch: 0,
    record: (at) => (at.epoch === 0 ? (store.records_[at.seq] ?? null) : null),
    signRecords: (kid, inputHash) =>
      store.records_
        .filter((one) => one.op === 'sign' && one.result === 'ok' && one.kid === kid && one.input_hash === inputHash)
        .map((one) => place(one.seq)),
    find: (op) =>
      store.records_
        .filter((one) => one.op === op)
        .reverse()
        .map((record) => ({ place: place(record.seq), record })),
  };
}
