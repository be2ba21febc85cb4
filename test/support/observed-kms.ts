// The in-memory key services as a whole Kms with telemetry around it. The ports that no key service has are answered from
// fixed values, secrets included, so that a test can look for them in what was told.

import { fail } from '../../src/errors.ts';
import type { Kms } from '../../src/kms/admin-ports.ts';
import { observed } from '../../src/kms/observed.ts';
import { createTelemetry, type ServiceTelemetry, type TelemetrySettings } from '../../src/kms/service-telemetry.ts';
import { type MemoryKms, memoryKms } from './memory-kms.ts';

export const TOKEN = 'AgEHcm9uLWttcwJmarker-token-that-nobody-may-see-in-any-log-or-metric-or-event';

export interface ObservedKms {
  readonly memory: MemoryKms;
  readonly kms: Kms;
  readonly telemetry: ServiceTelemetry;
  readonly lines: string[];
  readonly clock: { ms: number };
  readonly settings: { now: TelemetrySettings };
}

const absent = (): never => fail('Internal', 'this port is not part of the test');

export async function observedKms(): Promise<ObservedKms> {
  const memory = await memoryKms();
  const lines: string[] = [];
  const clock = { ms: 1000 };
  const settings: { now: TelemetrySettings } = {
    now: { level: 'trace', format: 'json', redact: 'hashes', logInputs: false, backend: 'file' },
  };
  // Every look at the clock costs a millisecond, so that latencies are known and not zero.
  const monotonicMs = (): number => {
    clock.ms += 1;
    return clock.ms;
  };
  const telemetry = createTelemetry({
    nowMs: () => Date.UTC(2026, 0, 2) + clock.ms,
    monotonicMs,
    write: (line) => lines.push(line),
    settings: () => settings.now,
  });
  const inner: Kms = {
    keys: memory.keys,
    signing: memory.signing,
    wrapping: memory.wrapping,
    attesting: {
      attest: async ({ kid }, call) => ({
        kid,
        attestation: { class: 'software', evidence: TOKEN },
        issued_at: null,
        op_id: call.opId,
        audit: null,
      }),
    },
    governance: {
      submit: async () => fail('Malformed', `a file holds ${TOKEN}`),
      ingest: absent,
      execute: async () => fail('QuorumPending', 'approvals are missing'),
      tune: absent,
      rollback: absent,
      list: absent,
      get: absent,
      statements: absent,
      request: absent,
      ledger: absent,
    },
    policy: { effective: absent },
    audit: {
      checkpoint: async () => ({ origin: 'ronctl.invalid/x/e0', size: 1, root: 'ab'.repeat(32), note: TOKEN }),
      head: absent,
      records: absent,
      tile: absent,
      inclusion: absent,
      consistency: absent,
    },
    files: { info: absent, list: absent, read: absent },
    capabilities: {
      mint: async () => ({ id: '0190aaaa-0000-7000-8000-00000000000a', root: 1, token: TOKEN, expires_at: '' }),
      register: async () => fail('NoCapability', 'no'),
      revoke: absent,
      rotate: absent,
      list: absent,
    },
    health: { status: absent, events: absent },
  };
  return {
    memory,
    kms: observed(inner, { telemetry, monotonicMs, spans: telemetry.spans }),
    telemetry,
    lines,
    clock,
    settings,
  };
}
