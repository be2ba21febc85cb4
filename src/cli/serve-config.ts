// The configuration of a server over its life (service page 6): judged on this machine and against the policy in force, at the
// start and at each reload. A reload takes over everything or nothing; what only a start takes over is refused by name,
// addresses and TLS aside, which are bound anew (CFG-50, CFG-51).

import type { LoadedServerConfig, ServerConfig } from '../config/server-config.ts';
import { judgeAgainstLedger, type LedgerPolicy } from '../config/server-ledger.ts';
import { loadServerConfig, refuseViolations } from '../config/server-load.ts';
import type { FixedProfile } from '../config/server-merge.ts';
import { type Reload, reloadOf } from '../config/server-reload.ts';
import type { ServerFlags } from '../config/server-sources.ts';
import { fail } from '../errors.ts';
import type { Host } from '../host.ts';
import { judgedServerConfig } from '../operations/config/home-policy.ts';
import type { OperationDeps } from '../operations/deps.ts';
import { type LocalPolicy, NO_LOCAL_POLICY } from '../policy/local.ts';
import type { Judged } from '../policy/overlay.ts';
import { parseProfile } from '../policy/profile.ts';

export interface InForce {
  readonly loaded: LoadedServerConfig;
  /** What this process holds beside the ledger. */
  readonly local: LocalPolicy;
}

/** Bound anew by a reload. */
const REBOUND: ReadonlySet<string> = new Set([
  'bind_addr',
  'metrics_addr',
  'audit.tlog',
  'audit.tlog_addr',
  'tls.enabled',
  'tls.cert_path',
  'tls.key_path',
  'tls.pq_only',
]);

export class LiveConfig {
  readonly #host: Host;
  readonly #home: string;
  readonly #flags: ServerFlags;
  #current: InForce;
  /** Why the newest reload was refused; null when what is in force is the newest. */
  refused: string | null = null;

  private constructor(host: Host, home: string, flags: ServerFlags, current: InForce) {
    this.#host = host;
    this.#home = home;
    this.#flags = flags;
    this.#current = current;
  }

  /**
   * Judges by what the home says without a passphrase; `fixed` is the profile of a genesis that governs a server in memory.
   * Throws RefusedConfig, Unsupported, NotFound.
   */
  static async start(
    deps: Pick<OperationDeps, 'host' | 'home' | 'crypto'>,
    flags: ServerFlags,
    fixed: FixedProfile | null,
  ): Promise<LiveConfig> {
    const { host, home } = deps;
    if (fixed !== null) {
      const loaded = await loadServerConfig({ env: host.env, files: host.files, home, flags, fixed });
      return new LiveConfig(host, home, flags, { loaded, local: NO_LOCAL_POLICY });
    }
    const { judgement, violations, config, origins, file, warnings } = await judgedServerConfig(flags, deps, {
      mayBeOld: true,
    });
    refuseViolations([...violations, ...(judgement?.violations ?? [])]);
    const loaded = { config: judgement?.config ?? config, origins: judgement?.origins ?? origins, file, warnings };
    return new LiveConfig(host, home, flags, { loaded, local: judgement?.local ?? NO_LOCAL_POLICY });
  }

  get config(): ServerConfig {
    return this.#current.loaded.config;
  }

  get loaded(): LoadedServerConfig {
    return this.#current.loaded;
  }

  /** Against the ledger itself. Throws RefusedConfig naming both values and where they come from. */
  judge(ledger: LedgerPolicy, judged: Judged): { readonly config: ServerConfig; readonly local: LocalPolicy } {
    this.#current = inForce(this.#current.loaded, ledger, judged);
    return { config: this.config, local: this.#current.local };
  }

  /** Reads all sources again and judges them; changes nothing. */
  async next(ledger: LedgerPolicy, judged: Judged): Promise<{ readonly next: InForce; readonly reload: Reload }> {
    const loaded = await loadServerConfig({
      env: this.#host.env,
      files: this.#host.files,
      home: this.#home,
      flags: this.#flags,
      fixed: { profile: parseProfile(ledger.profile, 'profile'), by: ledger.name },
    });
    const next = inForce(loaded, ledger, judged);
    const reload = reloadOf(this.loaded, next.loaded);
    const fixed = reload.disruptive.filter((key) => !REBOUND.has(key));
    if (fixed.length > 0) {
      fail('RefusedConfig', `${fixed.join(', ')}: a running server does not take this over`, {
        field: fixed[0]!,
        hint: 'Restart the server, or undo the change.',
      });
    }
    return { next, reload };
  }

  take(next: InForce): void {
    this.#current = next;
    this.refused = null;
  }
}

function inForce(loaded: LoadedServerConfig, ledger: LedgerPolicy, judged: Judged): InForce {
  const { violations, config, origins, local } = judgeAgainstLedger(loaded, ledger, judged);
  refuseViolations(violations);
  return { loaded: { ...loaded, config, origins }, local };
}
