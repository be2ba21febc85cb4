// A governed home in this process: three signers, a custody store, an adopted genesis, and a clock that the test sets. The
// operations are those of the commands; only the clock and the cost of key derivation are other ones.

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '../../src/cli/node-host.ts';
import type { Action } from '../../src/governance/actions.ts';
import type { Clock } from '../../src/host.ts';
import type { OperationDeps } from '../../src/operations/deps.ts';
import { type ExecuteResult, execute } from '../../src/operations/governance/execute.ts';
import { type IngestResult, ingest } from '../../src/operations/governance/ingest.ts';
import { draftGenesis } from '../../src/operations/governance/init.ts';
import { propose } from '../../src/operations/governance/propose.ts';
import { type VoteOutcome, type VotePurpose, vote } from '../../src/operations/governance/vote.ts';
import type { Profile } from '../../src/policy/profile.ts';
import type { Scope } from '../../src/policy/state.ts';
import { initCustody } from '../../src/storage/custody-creation.ts';
import { createSigner } from '../../src/storage/signer-creation.ts';
import { INIT } from './custody.ts';
import { FAST_KDF, storeDeps, type TestDeps } from './store.ts';

export const MIN = 60_000;
export const HOUR = 60 * MIN;
export const DAY = 24 * HOUR;
export const START = Date.parse('2026-03-01T12:00:00.000Z');

export const MEMBERS = [
  ['policy-owner', 'alice'],
  ['security-officer', 'bob'],
  ['custodian', 'carol'],
] as const;

/** Wall clock and time since boot, in the hand of the test. */
export class TestClock implements Clock {
  nowMs = START;
  sinceBootMs = HOUR;
  boot = 'boot-1';

  now(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.sinceBootMs;
  }

  uptimeMs(): number {
    return this.sinceBootMs;
  }

  bootId(): string {
    return this.boot;
  }

  async sleep(): Promise<void> {}

  /** Time goes by, for both clocks. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.sinceBootMs += ms;
  }

  /** A reboot after which the wall clock says this. */
  reboot(nowMs: number): void {
    this.boot = `boot-${Number(this.boot.slice('boot-'.length)) + 1}`;
    this.sinceBootMs = 10_000;
    this.nowMs = nowMs;
  }
}

export interface Proposed {
  readonly id: string;
  readonly digest: string;
}

export interface Wished {
  readonly scope?: Scope;
  /** `KEY=VALUE` */
  readonly changes?: readonly string[];
  readonly action?: Action;
  readonly author?: string;
  readonly lifeMs?: number;
}

export interface GovernedOptions {
  readonly profile?: Profile;
  readonly members?: readonly (readonly ['policy-owner' | 'security-officer' | 'custodian', string])[];
  readonly threshold?: number;
  readonly auditor?: string;
  /** Wall clock at the start. */
  readonly startMs?: number;
}

export class GovernedStore {
  readonly home: string;
  readonly clock: TestClock;

  private constructor(home: string, clock: TestClock) {
    this.home = home;
    this.clock = clock;
  }

  /** The caller removes it: `remove()`. */
  static async create(options: GovernedOptions = {}): Promise<GovernedStore> {
    const world = new GovernedStore(join(mkdtempSync(join(tmpdir(), 'ronctl-governed-')), 'home'), new TestClock());
    world.clock.nowMs = options.startMs ?? START;
    const members = options.members ?? MEMBERS;
    const auditor = options.auditor;
    const ids = [...members.map(([, id]) => id), ...(auditor === undefined ? [] : [auditor])];
    for (const id of ids) await createSigner(world.deps(), id, FAST_KDF);
    await (await initCustody(world.deps(), { ...INIT, profile: options.profile ?? 'dev' })).close();
    const source = (from: string) => ({ from, bundle: null });
    await draftGenesis(
      {
        members: members.map(([role, id]) => ({ role, ...source(id) })),
        threshold: options.threshold ?? 2,
        name: 'main',
        auditor: auditor === undefined ? null : { role: null, ...source(auditor) },
        set: [],
        supersedes: null,
        draftOnly: false,
      },
      world.deps(),
    );
    return world;
  }

  /** The same home and clock once more, changed apart from now on. */
  copy(): GovernedStore {
    const home = join(mkdtempSync(join(tmpdir(), 'ronctl-governed-')), 'home');
    cpSync(this.home, home, { recursive: true });
    const clock = Object.assign(new TestClock(), this.clock);
    return new GovernedStore(home, clock);
  }

  remove(): void {
    rmSync(join(this.home, '..'), { recursive: true, force: true });
  }

  storeDeps(): TestDeps {
    return storeDeps(this.home, {
      hostChange: { clock: this.clock, log: { ...nodeHost().log, notice: () => undefined } },
    });
  }

  deps(more: Partial<OperationDeps> = {}): OperationDeps {
    return { ...this.storeDeps(), onProgress: () => undefined, online: null, dryRun: false, ...more };
  }

  async propose(wished: Wished = {}): Promise<Proposed> {
    const changes = wished.action === undefined ? (wished.changes ?? ['caps.max_ttl_s=600']) : [];
    const { result } = await propose(
      {
        what: {
          kind: 'wish',
          wish: {
            scope: wished.scope ?? 'global',
            changes: changes.map((one) => ({ key: one.split('=')[0]!, text: one.split('=')[1]! })),
            action: wished.action ?? null,
            rationale: 'a test',
            risk: null,
            rollback: null,
            rollbackValidS: null,
          },
          expires: (nowMs) => nowMs + (wished.lifeMs ?? DAY),
          window: null,
        },
        attachments: [],
        signer: wished.author ?? 'alice',
        role: null,
        newTenant: true,
        ingest: false,
      },
      this.deps(),
    );
    return { id: result.proposal.id, digest: result.proposal.digest };
  }

  vote(purpose: VotePurpose, signer: string, { id, digest }: Proposed): Promise<VoteOutcome> {
    const target = { kind: 'id', id } as const;
    const options = { role: null, comment: null, unsafeSignAnyway: false, ingest: false };
    return vote({ purpose, target, signer, digest, ...options }, this.deps());
  }

  ingest(): Promise<IngestResult> {
    return ingest({ confirmTime: false }, this.deps());
  }

  execute({ id }: Proposed, confirmTime = false): Promise<ExecuteResult> {
    return execute({ id, confirmTime }, this.deps());
  }

  /** Proposed, approved by these, executed. */
  async carryOut(wished: Wished, by: readonly string[] = ['alice', 'bob']): Promise<Proposed> {
    const proposed = await this.propose(wished);
    for (const signer of by) await this.vote('approve', signer, proposed);
    await this.execute(proposed);
    return proposed;
  }
}
