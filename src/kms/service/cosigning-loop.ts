// Keeps asking the witnesses of the server's policy (log page 4.11, `audit.policy_file`): every new checkpoint, at most one
// every two seconds, again after a delay that grows from 1 s to 60 s while a witness does not answer. Nothing of the service
// waits for it: readiness does not look at it, and an error here is a line of the log.

import { createLogVerifier } from '../../audit/checkpoint.ts';
import type { PolicyJudge } from '../../audit/policy-judge.ts';
import type { AskWitness } from '../../audit/witness-request.ts';
import type { Crypto } from '../../crypto/provider.ts';
import type { Clock, Files, Random } from '../../host.ts';
import { newestReadableNote } from '../../storage/audit-notes.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import { readCosigned } from '../../storage/cosigned.ts';
import type { HomePaths } from '../../storage/home.ts';
import { homeLog } from '../../storage/trusted-log.ts';
import { failureFields } from '../failure-fields.ts';
import type { Telemetry } from '../telemetry.ts';
import { type CosigningResult, collectCosignatures, stationsOf } from './cosigning.ts';

const LOOK_MS = 1000;
const SPACING_MS = 2000;
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 60_000;

export interface CosigningLoopDeps {
  readonly files: Files;
  readonly random: Random;
  readonly clock: Clock;
  readonly crypto: Crypto;
  /** `audit` is the directory of the served log. */
  readonly paths: HomePaths;
  readonly telemetry: Telemetry;
  readonly judge: PolicyJudge;
  readonly ask: AskWitness;
}

export class CosigningLoop {
  readonly #deps: CosigningLoopDeps;
  /** `<origin> <size>` that needs nothing more. */
  #settled = '';
  #failures = 0;
  #nextMs = 0;
  /** What was said about a witness last: an outage is one line, not one a minute. */
  readonly #told = new Map<string, string>();

  constructor(deps: CosigningLoopDeps) {
    this.#deps = deps;
  }

  /** Until the signal. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, telemetry, judge } = this.#deps;
    if (stationsOf(judge).length === 0) return;
    this.#tellSize();
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.once(signal);
      } catch (error) {
        this.#later();
        telemetry.count('kms_audit_witness_total', { result: 'err' });
        telemetry.log('warn', 'cosigning_failed', failureFields(error));
      }
    }
  }

  /** Asks for the newest checkpoint when that is due. */
  async once(signal: AbortSignal): Promise<CosigningResult | null> {
    const { files, random, clock, crypto, paths, judge, ask } = this.#deps;
    if (clock.monotonicMs() < this.#nextMs) return null;
    const { log, epoch } = homeLog({ files, crypto, paths });
    const verifier = createLogVerifier(log, crypto);
    const at = epochPaths(paths.audit, epoch);
    const checkpoint = newestReadableNote(files, at, verifier);
    if (checkpoint === null || this.#settled === `${checkpoint.origin} ${checkpoint.size}`) return null;
    const cosigning = { paths: at, verifier, judge };
    const result = await collectCosignatures({ files, random, clock, crypto }, cosigning, checkpoint, ask, {
      signal,
      write: true,
    });
    if (signal.aborted) return result;
    this.#tell(result);
    if (result.outcomes.every((one) => one.ok)) {
      this.#settled = `${checkpoint.origin} ${checkpoint.size}`;
      this.#failures = 0;
      this.#nextMs = clock.monotonicMs() + SPACING_MS;
    } else {
      this.#later();
    }
    return result;
  }

  /** What earlier runs have collected. */
  #tellSize(): void {
    const { files, crypto, paths, telemetry } = this.#deps;
    try {
      const { log, epoch } = homeLog({ files, crypto, paths });
      const cosigned = readCosigned(files, epochPaths(paths.audit, epoch), createLogVerifier(log, crypto));
      telemetry.gauge('kms_audit_cosigned_size', cosigned?.size ?? 0);
    } catch (error) {
      telemetry.log('warn', 'cosigning_failed', failureFields(error));
    }
  }

  #later(): void {
    const full = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(this.#failures++, 10));
    const [byte] = this.#deps.random.bytes(1);
    this.#nextMs = this.#deps.clock.monotonicMs() + full / 2 + (full / 2) * (byte! / 255);
  }

  #tell({ outcomes, merged }: CosigningResult): void {
    const { telemetry } = this.#deps;
    for (const { url, ok, message, status } of outcomes) {
      telemetry.count('kms_audit_witness_total', { result: ok ? 'ok' : 'err' });
      if (this.#told.get(url) === message) continue;
      this.#told.set(url, message);
      const fields = { message: `${url}: ${message}`, ...(status === null ? {} : { status }) };
      telemetry.log(ok ? 'info' : 'warn', ok ? 'witness_answers' : 'witness_failed', fields);
    }
    if (!merged.newest) return;
    const { size, origin } = merged.checkpoint;
    telemetry.gauge('kms_audit_cosigned_size', size);
    telemetry.log('debug', 'checkpoint_cosigned', { origin, audit_size: size });
  }
}
