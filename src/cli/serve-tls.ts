// Certificate and key of the API listener over the life of a server: loaded at start (exit 3 when they do not serve),
// loaded again at a reload, where a pair that does not serve leaves the old one in place. Tells the days left.

import type { ServerConfig } from '../config/server-config.ts';
import type { Files, Millis } from '../host.ts';
import type { TlsOptions } from '../kms/http/server-parts.ts';
import { loadTlsMaterial, type TlsMaterial, tlsOptions } from '../kms/http/tls-material.ts';
import type { Telemetry } from '../kms/telemetry.ts';

const DAY_MS = 86_400_000;

export class TlsPair {
  readonly #files: Files;
  readonly #telemetry: Telemetry;
  readonly #nowMs: () => Millis;
  #material: TlsMaterial | null = null;
  #options: TlsOptions | null = null;

  constructor(files: Files, telemetry: Telemetry, nowMs: () => Millis) {
    this.#files = files;
    this.#telemetry = telemetry;
    this.#nowMs = nowMs;
  }

  /** Null without TLS. */
  get options(): TlsOptions | null {
    return this.#options;
  }

  /** Lower hex; null without TLS. */
  get sha256(): string | null {
    return this.#material?.sha256 ?? null;
  }

  /** Reads the configured pair without taking it. Throws RefusedConfig. */
  prepare({ tls }: Pick<ServerConfig, 'tls'>): { readonly options: TlsOptions | null; readonly take: () => void } {
    const next = tls.enabled ? loadTlsMaterial(this.#files, tls, this.#nowMs()) : null;
    const options = next === null ? null : tlsOptions(next, { pqOnly: tls.pq_only });
    return {
      options,
      take: () => {
        this.#material = next;
        this.#options = options;
        for (const message of next?.warnings ?? []) this.#telemetry.log('warn', 'tls_certificate', { message });
        this.tell();
      },
    };
  }

  /** The gauge of the days left; an expired pair is said once an hour by the caller's timer. */
  tell(): void {
    if (this.#material === null) {
      this.#telemetry.gauge('tls_certificate_left_days', 0);
      return;
    }
    const left = (this.#material.notAfterMs - this.#nowMs()) / DAY_MS;
    this.#telemetry.gauge('tls_certificate_left_days', Math.max(0, Math.floor(left)));
    if (left <= 0) this.#telemetry.log('error', 'tls_certificate_expired', { left_days: 0 });
  }
}
