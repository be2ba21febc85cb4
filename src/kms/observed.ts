// The ports with every operation counted, timed, logged and spanned (OBS-05, OBS-06, OBS-27, OBS-28, OBS-32): kms_ops_total,
// kms_latency_seconds, kms_tenant_ops_total, `<op>_request` and `<op>_result`. A dry run is not an operation. What the ports
// do not show is told by the service itself. Results and refusals pass through untouched.

import { RonError } from '../errors.ts';
import type { SignatureBundle } from '../keys/bundle.ts';
import { parseKeyId } from '../keys/key-id.ts';
import type { LogFields } from '../kms-api/log-fields.ts';
import { OP_ALGS, type Op, type OpAlg } from '../kms-api/metrics.ts';
import { rejectReason } from '../kms-api/reject-reason.ts';
import type { Kms, RefusedEntry } from './admin-ports.ts';
import { failureFields } from './failure-fields.ts';
import type { Call, RotateResult, SignResult, SpanName, VerifyResult } from './ports.ts';
import { latencyMs, type Spans } from './span.ts';
import type { Telemetry } from './telemetry.ts';

export interface ObservedOptions {
  readonly telemetry: Telemetry;
  readonly monotonicMs: () => number;
  readonly spans: Spans;
}

const INSTANCE = '_instance';
const ALARM_MS = 60_000;
const ALARMED_TENANTS = 1000;
const PQ_TRACKS: readonly string[] = ['ml-dsa', 'ml-kem', 'slh-dsa'];
/** Codes of a rotation that was begun and did not come about. */
const ROTATION_FAILURES: Readonly<Record<string, string>> = {
  StorageFault: 'store',
  StoreUnavailable: 'store',
  Tampered: 'store',
  PolicyRefused: 'policy',
  PqPolicy: 'policy',
  AttestationMissing: 'attestation',
  SelfCheckFailed: 'other',
  Internal: 'other',
};

/** The label of a key's or a signature's algorithms. */
export function opAlg(text: string): OpAlg {
  if (text.startsWith('hybrid') || text.includes('+')) return 'hybrid';
  if (text.startsWith('ml-dsa')) return 'ml-dsa';
  if (text.startsWith('ml-kem')) return 'ml-kem';
  const known = OP_ALGS.find((alg) => text === alg);
  return known ?? 'hybrid';
}

interface About {
  readonly op: Op;
  readonly span: SpanName;
  readonly tenant: string;
  readonly alg: OpAlg;
  readonly fields: LogFields;
}

/** Null: the text is no kid, so nothing is operated on; the refusal is counted where it is answered. */
function aboutKey(op: Op, kid: string | undefined): About | null {
  const key = kid === undefined ? null : parseKeyId(kid);
  if (key === null || kid === undefined) return null;
  return { op, span: `svc.kms.${op}`, tenant: key.tenant, alg: opAlg(key.alg), fields: { kid } };
}

function aboutBundle(bundle: SignatureBundle): About | null {
  const about = aboutKey('verify', bundle.kid);
  const alg = opAlg(bundle.sigs.map((one) => one.alg).join('+'));
  return about === null ? null : { ...about, alg };
}

const callerFields = ({ caller, corrId, opId, span }: Call): LogFields => ({
  corr_id: corrId,
  ...span?.fields,
  op_id: opId,
  caller: caller.kind,
  ...(caller.kind === 'capability' ? { cap_id: caller.id, cap_root: caller.root } : {}),
});

/** A tenant that the caller has no business with is a word of the caller: it gets into no log and is no label. */
const hasTenant = ({ caller }: Call, tenant: string): boolean =>
  caller.kind !== 'capability' || caller.tenants.includes(tenant);

export function observed(kms: Kms, { telemetry, monotonicMs, spans }: ObservedOptions): Kms {
  async function timed<T>(
    about: About | null,
    call: Call,
    run: (call: Call) => Promise<T>,
    told: (result: T) => { readonly alg?: OpAlg; readonly fields?: LogFields } = () => ({}),
  ): Promise<T> {
    if (about === null || call.dryRun === true) return run(call);
    const own = hasTenant(call, about.tenant) ? { tenant: about.tenant } : {};
    const base = { ...callerFields(call), ...about.fields, ...own };
    const span = call.span?.child(about.span, { ...about.fields, ...own }) ?? spans(about.span, base);
    const since = monotonicMs();
    if (telemetry.logs('debug')) telemetry.log('debug', `${about.op}_request`, base);

    const end = (alg: OpAlg, fields: LogFields): void => {
      const now = monotonicMs();
      const result = fields.result === 'err' ? 'err' : 'ok';
      telemetry.count('kms_ops_total', { op: about.op, alg, result });
      const isAllowed = fields.code !== 'Denied';
      if (isAllowed) telemetry.count('kms_tenant_ops_total', { tenant: about.tenant, op: about.op });
      // What was refused before it was tried is fast and says nothing of how fast the work is.
      if (fields.error_kind !== 'operator') {
        telemetry.observe('kms_latency_seconds', Math.max(0, now - since) / 1000, { op: about.op, alg });
      }
      const bad = fields.error_kind === 'bug' || fields.error_kind === 'external';
      const level = bad ? 'error' : result === 'err' ? 'warn' : 'info';
      if (!telemetry.logs(level)) return;
      const all = {
        ...(isAllowed ? { tenant: about.tenant } : {}),
        alg,
        result,
        ...fields,
        latency_ms: latencyMs(since, now),
      };
      telemetry.log(level, `${about.op}_result`, { ...base, ...all });
      span.end(all);
    };
    try {
      const result = await run({ ...call, span });
      const { alg, fields } = told(result);
      end(alg ?? about.alg, fields ?? {});
      return result;
    } catch (error) {
      end(about.alg, failureFields(error));
      throw error;
    }
  }

  /** Not an operation of the table of metrics: a line only. */
  async function logged<T>(event: string, fields: LogFields, call: Call, run: () => Promise<T>): Promise<T> {
    const since = monotonicMs();
    const base = { ...callerFields(call), ...fields };
    try {
      const result = await run();
      if (call.dryRun !== true) {
        telemetry.log('info', `${event}_result`, {
          ...base,
          result: 'ok',
          latency_ms: latencyMs(since, monotonicMs()),
        });
      }
      return result;
    } catch (error) {
      telemetry.log('warn', `${event}_result`, { ...base, ...failureFields(error) });
      throw error;
    }
  }

  const alarmedMs = new Map<string, number>();

  /** Refusals by policy: the trigger alarms and names the way back, and does nothing itself (D-21). Once a minute a tenant. */
  function alarm(kid: string, mode: string | null): void {
    const tenant = parseKeyId(kid)?.tenant;
    const now = monotonicMs();
    if (tenant === undefined || now - (alarmedMs.get(tenant) ?? Number.NEGATIVE_INFINITY) < ALARM_MS) return;
    if (alarmedMs.size >= ALARMED_TENANTS) alarmedMs.clear();
    alarmedMs.set(tenant, now);
    telemetry.publish('kms.pq.reject_trigger', { tenant, mode, next: `ronctl pq rollback --tenant ${tenant}` });
  }

  const rotated = (result: RotateResult): { readonly fields: LogFields } => {
    const head = result.key?.versions.find(({ n }) => n === result.key?.version);
    const isPq = head?.tracks.some((track) => PQ_TRACKS.includes(track)) ?? false;
    if (isPq) telemetry.count('pqc_key_rotation_success_total');
    return { fields: { kid: result.kid } };
  };

  const signed = (result: SignResult): { readonly alg: OpAlg; readonly fields: LogFields } => {
    for (const { alg } of result.bundle?.sigs ?? []) telemetry.count('pq_signature_total', { algo: alg });
    const index = result.audit === null ? {} : { audit_index: result.audit.index };
    return { alg: opAlg(result.algs), fields: { kid: result.kid, ...index } };
  };

  const judged = (result: VerifyResult): { readonly fields: LogFields } => {
    const wrong = result.signatures.some(({ valid }) => !valid);
    if (wrong) telemetry.count('pq_signature_failures_total', { reason: 'invalid' });
    if (result.refusal === 'PqPolicy') {
      telemetry.count('rejected_total', { reason: 'pq_policy' });
      // Refused by its own wish: no rollback would change that.
      if (result.by_asked_mode !== true) alarm(result.kid, result.required_mode);
      const pq = result.signatures.some(({ alg }) => alg !== 'ed25519');
      telemetry.count('pq_signature_failures_total', { reason: pq ? 'missing_classical' : 'missing_pq' });
    }
    const refusal = result.refusal === null ? {} : { code: result.refusal };
    const reason = result.refusal === null ? null : rejectReason(result.refusal);
    const mode = result.required_mode === null ? {} : { pq_mode: result.required_mode };
    return { fields: { ...mode, ...refusal, ...(reason === null ? {} : { reason }) } };
  };

  async function rotation<T>(running: Promise<T>): Promise<T> {
    try {
      return await running;
    } catch (error) {
      const code = error instanceof RonError ? error.code : 'Internal';
      // Refused before anything was tried: no failure of a rotation.
      const reason = ROTATION_FAILURES[code];
      if (reason !== undefined) telemetry.count('pqc_key_rotation_failure_total', { reason });
      throw error;
    }
  }

  /** Files that an ingest refused stay in the inbox; whoever follows the stream hears of them. */
  function refusedFiles(refused: readonly RefusedEntry[] | undefined): void {
    for (const { name, type, code } of refused ?? []) telemetry.publish('governance.refused', { name, type, code });
  }

  const { keys, signing, wrapping, attesting, governance, audit, capabilities } = kms;
  const instance = (op: Op, span: SpanName): About => ({ op, span, tenant: INSTANCE, alg: 'hybrid', fields: {} });

  return {
    ...kms,
    keys: {
      create: (request, call) =>
        timed(
          {
            op: 'create',
            span: 'svc.kms.create',
            tenant: request.tenant,
            alg: opAlg(request.alg),
            fields: {},
          },
          call,
          (inner) => keys.create(request, inner),
          (result) => ({ fields: { kid: result.kid } }),
        ),
      rotate: (request, call) =>
        timed(aboutKey('rotate', request.kid), call, (inner) => rotation(keys.rotate(request, inner)), rotated),
      get: (request, call) => keys.get(request, call),
      list: (request, call) => keys.list(request, call),
      publicKeys: (request, call) => keys.publicKeys(request, call),
      needsRotation: (request, call) => keys.needsRotation(request, call),
      continuity: (request, call) => keys.continuity(request, call),
      retire: (request, call) => keys.retire(request, call),
    },
    signing: {
      sign: (request, call) =>
        timed(aboutKey('sign', request.kids[0]), call, (inner) => signing.sign(request, inner), signed),
      verify: (request, call) =>
        timed(aboutBundle(request.bundle), call, (inner) => signing.verify(request, inner), judged),
    },
    wrapping: {
      wrap: (request, call) => timed(aboutKey('wrap', request.kid), call, (inner) => wrapping.wrap(request, inner)),
      unwrap: (request, call) =>
        timed(aboutKey('unwrap', request.kid), call, (inner) => wrapping.unwrap(request, inner)),
    },
    attesting: {
      attest: (request, call) =>
        timed(aboutKey('attest', request.kid), call, (inner) => attesting.attest(request, inner)),
    },
    governance: {
      submit: (request, call) =>
        logged('submit', { count: request.files.length }, call, async () => {
          const answer = await governance.submit(request, call);
          refusedFiles(answer.ingest?.refused);
          return answer;
        }),
      ingest: async (request, call) => {
        const answer = await governance.ingest(request, call);
        refusedFiles(answer.refused);
        return answer;
      },
      execute: (request, call) =>
        logged('execute', { proposal_id: request.id }, call, () => governance.execute(request, call)),
      tune: (request, call) =>
        logged('tune', { scope: request.scope, key: request.key }, call, () => governance.tune(request, call)),
      rollback: (request, call) =>
        logged('rollback', { scope: request.scope }, call, () => governance.rollback(request, call)),
      list: (request, call) => governance.list(request, call),
      get: (request, call) => governance.get(request, call),
      statements: (request, call) => governance.statements(request, call),
      request: (request, call) => governance.request(request, call),
      ledger: (request, call) => governance.ledger(request, call),
    },
    audit: {
      checkpoint: (request, call) =>
        timed(instance('checkpoint', 'svc.kms.checkpoint'), call, (inner) => audit.checkpoint(request, inner)),
      head: (request, call) => audit.head(request, call),
      records: (request, call) => audit.records(request, call),
      tile: (request, call) => audit.tile(request, call),
      inclusion: (request, call) => audit.inclusion(request, call),
      consistency: (request, call) => audit.consistency(request, call),
    },
    capabilities: {
      mint: (request, call) => logged('mint', {}, call, () => capabilities.mint(request, call)),
      register: (request, call) => logged('register', {}, call, () => capabilities.register(request, call)),
      revoke: (request, call) => logged('revoke', {}, call, () => capabilities.revoke(request, call)),
      rotate: (request, call) => logged('cap_rotate', {}, call, () => capabilities.rotate(request, call)),
      list: (request, call) => capabilities.list(request, call),
    },
  };
}
