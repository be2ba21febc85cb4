// The key ports of a server: the services of a command with what a long life adds (serving.ts), over the store that stands now.
// Reading and verify never need the backend; everything else is StoreUnavailable while it is away.

import type { Clock, Random } from '../../host.ts';
import type { Telemetry } from '../telemetry.ts';
import { attestingService } from './attestation.ts';
import { Attestations, type Requirement } from './attestations.ts';
import type { Backend } from './backend.ts';
import { Deadlines } from './deadlines.ts';
import { openOnce } from './home.ts';
import { type KeyServices, keysService } from './keys.ts';
import { Once } from './once.ts';
import { Outcomes } from './outcomes.ts';
import type { KeyReader, TrustedService } from './reader.ts';
import { type KeyPorts, recordingRefusals } from './refusals.ts';
import type { Serving } from './serving.ts';
import { type ReaderSource, ServingReader } from './serving-reader.ts';
import { signingService } from './signing.ts';
import { VerifyCache, type VerifyCacheLimits } from './verify-cache.ts';
import { wrappingService } from './wrapping.ts';

/** What of a backend the key ports stand on. */
export type KeySource = ReaderSource & Pick<Backend, 'crypto' | 'demandWritable' | 'exclusive' | 'lostAtMs'>;

export interface ServingKeysDeps {
  readonly source: KeySource;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly trusted: () => Promise<readonly TrustedService[]>;
  readonly backend: 'file' | 'inmem';
  readonly build: string;
  readonly cache: VerifyCacheLimits;
  readonly attestDeadlineMs: number;
  readonly attestRequirement: () => Requirement;
}

export interface ServingKeys extends KeyPorts {
  readonly serving: Serving;
  reader(): KeyReader;
  /** Destroys opened keys and remembered results. */
  close(): Promise<void>;
}

export function servingKeys(deps: ServingKeysDeps): ServingKeys {
  const { attestDeadlineMs, attestRequirement, backend, build, cache, clock, random, source, telemetry } = deps;
  const snapshots = new ServingReader(source);
  const reader = (): KeyReader => snapshots.reader();
  const once = new Once(clock);
  const serving: Serving = {
    once,
    verdicts: new VerifyCache(clock, telemetry, cache),
    outcomes: new Outcomes(clock, () => telemetry.count('kms_audit_dropped_total', { kind: 'non_checkpoint' })),
    attestations: new Attestations({
      clock,
      telemetry,
      deadlines: new Deadlines(clock),
      backend,
      build,
      deadlineMs: attestDeadlineMs,
      requirement: attestRequirement,
      reader: () => Promise.resolve(reader()),
    }),
    materialAgeMs: () => (source.lostAtMs === null ? 0 : Math.ceil(clock.monotonicMs() - source.lostAtMs)),
    policySeq: () => source.view.ledger?.seq ?? null,
    recording: () => source.store.unavailableWhy === null,
  };
  const home = openOnce({
    random,
    crypto: () => Promise.resolve(source.crypto),
    reader: () => Promise.resolve(reader()),
    trusted: deps.trusted,
    unsealed: () =>
      Promise.resolve({
        store: source.store,
        readOnly: false,
        policy: () => source.view,
        judged: () => source.judged(),
        exclusive: (act) => source.exclusive(act),
      }),
  });
  const services: KeyServices = {
    serving,
    open: async () => {
      source.demandWritable();
      return home.open();
    },
    crypto: () => Promise.resolve(source.crypto),
    reader: () => Promise.resolve(reader()),
    trusted: deps.trusted,
  };
  const ports: KeyPorts = {
    keys: keysService(services),
    signing: signingService(services),
    wrapping: wrappingService(services),
    attesting: attestingService(services, build),
  };
  return {
    ...recordingRefusals(ports, serving.outcomes),
    serving,
    reader,
    close: async () => {
      once.clear();
      await home.drop();
    },
  };
}
