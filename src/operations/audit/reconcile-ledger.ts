// The governance ledger in step with the records that commit it (log page 4.11): each `ledger.append` brings the state to its
// line, judging every line again (signatures, quorum, bounds of tunes), so that a record is compared with what was decided
// when it was written. Both ways: an effect belongs to the intent that is open, once, under the op_id of the plan; an execution
// has all its effects and the receipt that follows from intent and records; a line is under one `ledger.append`.

import type { AuditRecord } from '../../audit/draft.ts';
import { canonicalText } from '../../bytes/canonical-json.ts';
import { fromTime, toTime } from '../../bytes/time.ts';
import type { Crypto } from '../../crypto/provider.ts';
import type { Envelope } from '../../envelope/dsse.ts';
import { RonError } from '../../errors.ts';
import type { Action } from '../../governance/actions.ts';
import { type Line, parseLine, type Rollback, type Tune } from '../../governance/ledger.ts';
import { applyLine, startLedger } from '../../governance/ledger-apply.ts';
import type { LedgerState } from '../../governance/ledger-state.ts';
import { viewHashOf } from '../../governance/outcome.ts';
import { coreOf, parseReceipt } from '../../governance/receipt.ts';
import type { Files } from '../../host.ts';
import type { PublicView } from '../../keys/public-view.ts';
import { LIMITS } from '../../limits.ts';
import type { PolicyState } from '../../policy/state.ts';
import { readLedgerLine } from '../../storage/ledger-reader.ts';
import { ledgerSegmentOf, ledgerSegmentPath } from '../../storage/ledger-segments.ts';
import { carries, difference, recordOf, said } from './reconcile-effects.ts';
import type { ReconcileCode, ReconcileFindings } from './reconcile-findings.ts';

export interface LedgerDeps {
  readonly files: Files;
  readonly crypto: Crypto;
  readonly ledgerDir: string;
  readonly findings: ReconcileFindings;
}

/** Place of a record, with the origin of its log. */
export interface RecordPlace {
  readonly epoch: number;
  readonly origin: string;
}

interface Effect extends RecordPlace {
  readonly record: AuditRecord;
}

export interface LedgerCounts {
  readonly lines: number;
  readonly executed: number;
  readonly effects: number;
  readonly tunes: number;
}

export class CommittedLedger {
  readonly #deps: LedgerDeps;
  #state: LedgerState | null = null;
  /** Why no further line can be judged; said once. */
  #broken = false;
  /** Effects of the open intent, by op_id. */
  #effects = new Map<string, Effect>();
  /** Records that come before the ledger lines that decided them: of a new epoch, and of the range that a restore lost. */
  readonly #early = new Map<string, Effect>();
  #failed = false;
  #tunes: Tune[] = [];
  #rollbacks: Rollback[] = [];
  #policy: PublicView['policy'] = null;
  #lines = 0;
  #executed = 0;
  #effectCount = 0;
  #tuneCount = 0;

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
  }

  get counts(): LedgerCounts {
    return { lines: this.#lines, executed: this.#executed, effects: this.#effectCount, tunes: this.#tuneCount };
  }

  /** In force after the committed lines; null while ungoverned. */
  get policy(): PolicyState | null {
    return this.#state?.governed.policy ?? null;
  }

  #say(code: ReconcileCode, message: string, at: { epoch: number; index: number } | null, file?: string): void {
    this.#deps.findings.add(code, message, { ...at, ...(file === undefined ? {} : { file }) });
  }

  /** `genesis.adopt`: line 0. */
  adopted(record: AuditRecord, place: RecordPlace): void {
    const at = { epoch: place.epoch, index: record.seq };
    if (this.#state !== null || this.#broken) {
      this.#say('effect-unexplained', 'a second genesis was adopted', at);
      return;
    }
    this.#advance(0, place);
    if (this.#state === null) return;
    const { ledgerId, genesis, governed } = this.#state as LedgerState;
    this.#policy = { seq: 0, hash: viewHashOf(governed, 'global') };
    const { detail } = record;
    if (detail?.['ledger_id'] === ledgerId && detail['genesis_digest'] === genesis.digest) return;
    this.#say('ledger-different', `the record adopts another genesis than line 0 of the ledger, ${genesis.digest}`, at);
  }

  /** `ledger.append`: commits the lines up to its own. */
  appended(record: AuditRecord, place: RecordPlace): void {
    const at = { epoch: place.epoch, index: record.seq };
    const seq = Number(record.detail?.['seq']);
    if (this.#state === null && !this.#broken) {
      this.#say('effect-unexplained', 'ledger lines were committed before a genesis was adopted', at);
      return;
    }
    if (this.#state !== null && seq <= this.#state.seq && !this.#broken) {
      this.#say(
        'ledger-repeated',
        `ledger line ${seq} was committed before; the ledger stood at ${this.#state.seq}`,
        at,
      );
      return;
    }
    this.#advance(seq, place);
    if (this.#broken || this.#state === null) return;
    const { ledgerId, hash } = this.#state;
    if (record.detail?.['ledger_id'] !== ledgerId || record.detail['hash'] !== hash) {
      this.#say('ledger-different', `ledger line ${seq} is not the one that the record commits`, at, fileOf(seq));
    }
  }

  /** Applies the lines up to `seq`. */
  #advance(seq: number, place: RecordPlace): void {
    while (!this.#broken && (this.#state?.seq ?? -1) < seq) {
      const next: number = (this.#state?.seq ?? -1) + 1;
      const offset = next % LIMITS.ledgerSegmentLines === 0 ? 0 : (this.#state?.nextOffset ?? 0);
      let bytes: Uint8Array;
      try {
        bytes = readLedgerLine(this.#deps.files, this.#deps.ledgerDir, { seq: next, offset });
      } catch (error) {
        if (!(error instanceof RonError)) throw error;
        this.#stop(
          'ledger-missing',
          next,
          `ledger line ${next} is missing, and the log commits line ${seq}; what follows is not compared`,
        );
        return;
      }
      let line: Line | null = null;
      try {
        line = parseLine(bytes, this.#state);
        this.#apply(line, bytes.length, place);
        this.#lines++;
      } catch (error) {
        if (!(error instanceof RonError)) throw error;
        const code = line?.type === 'tune' ? 'tune-bounds' : 'ledger-invalid';
        this.#stop(code, next, `ledger line ${next}: ${error.message}`);
      }
    }
  }

  /** What follows such a line cannot be judged. */
  #stop(code: ReconcileCode, seq: number, message: string): void {
    this.#broken = true;
    this.#say(code, message, null, fileOf(seq));
  }

  #apply(line: Line, bytes: number, place: RecordPlace): void {
    const { crypto } = this.#deps;
    if (this.#state === null) {
      this.#state = startLedger(crypto, line, bytes);
      return;
    }
    if (line.type === 'execution') this.#judgeExecution(line.body, line.seq, place);
    if (line.type === 'failed') this.#judgeFailure(line.body.applied, line.seq);
    applyLine(this.#state, line, bytes, crypto);
    if (line.type === 'intent') {
      this.#effects = new Map();
      this.#failed = false;
      for (const { op_id } of line.body.plan) {
        const early = this.#early.get(op_id);
        if (early === undefined) continue;
        this.#early.delete(op_id);
        this.effect(early.record, early);
      }
    } else if (line.type === 'tune') {
      this.#tunes.push(line.body);
      this.#tuneCount++;
    } else if (line.type === 'rollback') this.#rollbacks.push(line.body);
  }

  /** A record that a quorum must have decided. Returns the action that it carries out; null when there is none. */
  effect(record: AuditRecord, place: RecordPlace): Action | null {
    if (this.#broken) return null;
    const at = { epoch: place.epoch, index: record.seq };
    const executing = this.#state?.executing ?? null;
    const digest = record.detail?.['proposal_digest'];
    if (record.op === 'epoch.open' && executing?.intent.proposal_digest !== digest) {
      this.#early.set(record.op_id, { ...place, record });
      return null;
    }
    const name = typeof digest === 'string' ? `proposal ${digest}` : 'no proposal';
    if (executing === null || executing.intent.proposal_digest !== digest) {
      this.#say('effect-unexplained', `${record.op} names ${name}, which was not being executed`, at);
      return null;
    }
    const step = executing.intent.plan.find((one) => one.op_id === record.op_id);
    if (step === undefined || recordOf(step.effect) !== record.op) {
      this.#say('effect-unexplained', `${record.op} (${record.op_id}) is no effect of the plan of ${executing.id}`, at);
      return null;
    }
    const before = this.#effects.get(record.op_id);
    if (before !== undefined) {
      const message = `effect ${step.n} of ${executing.id} has record ${before.record.seq} already`;
      this.#say('effect-repeated', message, at);
      return null;
    }
    this.#effects.set(record.op_id, { ...place, record });
    this.#effectCount++;
    const action = this.#state?.open.get(executing.id)?.proposal.body.actions[0] ?? null;
    const why = difference(record, step.n, action);
    if (why !== null) this.#say('effect-different', `${record.op} of ${executing.id}: ${why}`, at);
    return action;
  }

  /** A governed record of a lost range that was brought back: its ledger lines were committed again behind it. */
  foundAgain(record: AuditRecord, place: RecordPlace): void {
    this.#early.set(record.op_id, { ...place, record });
  }

  /** `governance.failed` */
  failure(record: AuditRecord, place: RecordPlace): void {
    if (this.#broken) return;
    const executing = this.#state?.executing ?? null;
    if (executing !== null && executing.intent.proposal_digest === record.detail?.['proposal_digest']) {
      this.#failed = true;
      return;
    }
    const at = { epoch: place.epoch, index: record.seq };
    this.#say('effect-unexplained', 'an execution failed that was not under way', at);
  }

  #judgeFailure(applied: readonly number[], seq: number): void {
    const executing = this.#state?.executing;
    if (executing === null || executing === undefined) return;
    const done = executing.intent.plan.filter((one) => this.#effects.has(one.op_id)).map((one) => one.n);
    const message = `${executing.id} failed after effects ${said(applied)}; the records are of ${said(done)}`;
    if (canonicalText(done) !== canonicalText([...applied])) this.#say('effect-missing', message, null, fileOf(seq));
    if (!this.#failed) {
      this.#say(
        'failure-missing',
        `${executing.id} failed, and no governance.failed record says so`,
        null,
        fileOf(seq),
      );
    }
  }

  /** Before the line is applied: its effects, and the receipt made again from intent and records. */
  #judgeExecution(envelope: Envelope, seq: number, place: RecordPlace): void {
    const state = this.#state!;
    const { executing } = state;
    if (executing === null) return;
    this.#executed++;
    const { intent, after, id } = executing;
    const missing = intent.plan.filter((one) => !this.#effects.has(one.op_id));
    for (const { n, effect, op_id } of missing) {
      this.#say('effect-missing', `effect ${n} (${effect}) of ${id} has no record (${op_id})`, null, fileOf(seq));
    }
    if (missing.length > 0) return;
    const records = intent.plan.map((one) => this.#effects.get(one.op_id)!);
    const last = records.at(-1)!;
    const scope = state.open.get(id)!.proposal.body.scope;
    const core = coreOf(intent, {
      ledgerId: state.ledgerId,
      stateBefore: viewHashOf(state.governed, scope),
      stateAfter: viewHashOf(after, scope),
      indexes: records.map((one) => one.record.seq),
      executedBy: last.record.actor,
    });
    const at = { epoch: last.epoch, index: last.record.seq };
    if (!carries(last.record, core)) {
      this.#say('receipt-different', `the record of ${id} does not carry the receipt that follows from it`, at);
    }
    const receipt = { ...core, audit: { origin: last.origin, index: last.record.seq } };
    if (said(parseReceipt(envelope)) !== said(receipt)) {
      const message = `the receipt of ${id} is not the one that intent and records give`;
      this.#say('receipt-different', message, { epoch: place.epoch, index: last.record.seq }, fileOf(seq));
    }
    if (core.state_before !== core.state_after) this.#policy = { seq, hash: core.state_after };
  }

  /** A `tune` record stands for one line of the ledger. */
  tuned(record: AuditRecord, place: RecordPlace): void {
    if (this.#broken) return;
    const { key, scope, from, to, baseline } = record.detail ?? {};
    const found = this.#tunes.findIndex(
      (one) =>
        one.key === key && one.scope === scope && one.from === from && one.to === to && one.baseline === baseline,
    );
    if (found >= 0) this.#tunes.splice(found, 1);
    else {
      const message = `${said(key)} of ${said(scope)} was tuned to ${said(to)} without a line in the ledger`;
      this.#say('tune-unexplained', message, { epoch: place.epoch, index: record.seq });
    }
  }

  rolledBack(record: AuditRecord, place: RecordPlace): void {
    if (this.#broken) return;
    const { proposal_digest: digest, scope, exception_until: until } = record.detail ?? {};
    const found = this.#rollbacks.findIndex(
      (one) =>
        one.proposal_digest === digest &&
        one.scope === scope &&
        toTime(fromTime(one.judged_at.wall) + one.duration_s * 1000) === until,
    );
    if (found >= 0) this.#rollbacks.splice(found, 1);
    else {
      const message = `${said(scope)} was rolled back without a line in the ledger`;
      this.#say('rollback-unexplained', message, { epoch: place.epoch, index: record.seq });
    }
  }

  /** At the end of the log, against public.json. */
  compare(view: PublicView): void {
    for (const { epoch, record } of this.#early.values()) {
      const message = `${record.op} was decided by a proposal that the ledger does not have`;
      this.#say('effect-unexplained', message, { epoch, index: record.seq });
    }
    if (this.#broken) return;
    const state = this.#state;
    const file = 'store/public.json';
    if ((view.ledger?.seq ?? null) !== (state?.seq ?? null) || (view.ledger?.hash ?? null) !== (state?.hash ?? null)) {
      const shown = view.ledger === null ? 'none' : `line ${view.ledger.seq}`;
      const known = state === null ? 'none' : `line ${state.seq}`;
      this.#say('ledger-uncommitted', `public.json ends the ledger at ${shown}, its records at ${known}`, null, file);
    }
    if ((view.ledger_id ?? null) !== (state?.ledgerId ?? null)) {
      this.#say('ledger-different', 'public.json names another ledger than the records', null, file);
    }
    if (said(view.policy) !== said(this.#policy)) {
      const named = (one: PublicView['policy']): string => (one === null ? 'none' : `line ${one.seq}, ${one.hash}`);
      const message = `public.json names the policy of ${named(view.policy)}; executed was ${named(this.#policy)}`;
      this.#say('policy-different', message, null, file);
    }
    if (state?.executing !== null && state?.executing !== undefined) {
      const message = `the execution of ${state.executing.id} is unfinished; the next open of the store ends it`;
      this.#say('act-unfinished', message, null, fileOf(state.seq));
    }
    for (const one of this.#tunes) {
      const message = `the tune of ${one.key} for ${one.scope} to ${one.to} has a line in the ledger and no record of its own`;
      this.#say('line-unrecorded', message, null, 'ledger/');
    }
    for (const one of this.#rollbacks) {
      const message = `the rollback of ${one.scope} has a line in the ledger and no record of its own`;
      this.#say('line-unrecorded', message, null, 'ledger/');
    }
  }
}

const fileOf = (seq: number): string => ledgerSegmentPath('ledger', ledgerSegmentOf(seq));
