// Opening what a server stands on, in the order in which one thing needs another: backend, judgement of the configuration,
// room, checkpoints, capabilities.

import type { AuditRecord } from '../../audit/draft.ts';
import { AUDIT_OPS } from '../../audit/ops.ts';
import type { ServerConfig } from '../../config/server-config.ts';
import type { LedgerPolicy } from '../../config/server-ledger.ts';
import { fail } from '../../errors.ts';
import { epochNumber } from '../../governance/key-chain.ts';
import { parseKeyId } from '../../keys/key-id.ts';
import type { EventTopic } from '../../kms-api/events.ts';
import { NO_LOCAL_POLICY } from '../../policy/local.ts';
import type { StoreDeps } from '../../storage/store-deps.ts';
import { kidHash } from '../kid-hash.ts';
import { refuseUnattestable } from './attest-requirement.ts';
import { Backend } from './backend.ts';
import { type OpenCapabilities, openCapabilities } from './capabilities.ts';
import { Checkpointer } from './checkpointer.ts';
import type { CustodyServiceOptions } from './custody-service.ts';
import type { GoverningGenesis } from './memory-home.ts';
import { Exporters } from './sinks/exporters.ts';
import { LAST_BYTES, Space } from './space.ts';

export interface ServiceParts {
  readonly deps: StoreDeps;
  readonly options: CustodyServiceOptions;
  /** After the judgement. */
  readonly config: ServerConfig;
  readonly backend: Backend;
  readonly checkpointer: Checkpointer;
  readonly space: Space;
  readonly capabilities: OpenCapabilities;
  readonly exporters: Exporters;
  /** In memory: the genesis that governs, also without its ledger. */
  readonly governedBy: GoverningGenesis | null;
  /** Releases the lock and what else was taken before the parts. */
  readonly release: () => void;
}

export interface OpenParts {
  readonly deps: StoreDeps;
  readonly options: CustodyServiceOptions;
  readonly verifyOnly: string | null;
  readonly governedBy: GoverningGenesis | null;
  readonly release: () => void;
}

/** What the hooks of the backend reach only once it is open. */
interface Late {
  checkpointer: Checkpointer | null;
  space: Space | null;
  exporters: Exporters | null;
  capabilities: OpenCapabilities | null;
}

const MEMORY_LAST_BYTES = 1024 * 1024;

export function ledgerPolicyOf(backend: Backend): LedgerPolicy {
  const { governed, ledgerId, overlays, policy, profile } = backend.committedView();
  return { governed, name: ledgerId === null ? 'home.json' : `ledger ${ledgerId}`, profile, policy, overlays };
}

/** Throws what opening throws, and RefusedConfig. */
export async function openParts(open: OpenParts): Promise<ServiceParts> {
  const late: Late = { checkpointer: null, space: null, exporters: null, capabilities: null };
  const backend = await openBackend(open, late);
  const { deps, options, governedBy, release } = open;
  try {
    const judgement = options.judge?.(ledgerPolicyOf(backend), backend.judged()) ?? {
      config: options.config,
      local: NO_LOCAL_POLICY,
    };
    const { config } = judgement;
    backend.keepAtLeast(judgement.local);
    refuseUnattestable(backend, config);
    late.space = spaceOf(backend, config);
    backend.store.limitQueue(config.limits.audit_queue);
    late.exporters = await exportersOf(open, backend, config);
    late.checkpointer = checkpointerOf(backend, options, config, late.exporters);
    const capabilities = await openCapabilities({
      store: backend.store,
      random: deps.host.random,
      clock: deps.host.clock,
      policy: () => backend.view,
      judged: () => backend.judged(),
      caps: config.caps,
      telemetry: options.telemetry,
    });
    late.capabilities = capabilities;
    const { checkpointer, exporters, space } = late;
    return { deps, options, config, backend, checkpointer, space, capabilities, exporters, governedBy, release };
  } catch (error) {
    await backend.close();
    throw error;
  }
}

function openBackend({ deps, options, verifyOnly }: OpenParts, late: Late): Promise<Backend> {
  const { config, telemetry } = options;
  return Backend.open({
    deps,
    telemetry,
    kind: config.service.backend,
    verifyOnly,
    confirmTime: options.confirmTime === true,
    changed: () => undefined,
    epochOpened: async () => late.capabilities?.renew(),
    hooks: {
      admit: (drafts) => late.space?.admit(drafts),
      committed: (records) => {
        telemetry.count('kms_audit_appends_total', { result: 'ok' }, records.length);
        telemetry.log('debug', 'audit_append', { count: records.length, audit_index: records.at(-1)?.seq });
        late.exporters?.wake();
        late.checkpointer?.grown(records.length);
        if (records.some(changesPublicView)) late.checkpointer?.soon();
        for (const record of records) publish(options, record);
      },
      failed: (error, records) => {
        if (error.code === 'Busy') telemetry.count('busy_rejections_total', { queue: 'audit' });
        if (error.code === 'StoreUnavailable') telemetry.count('io_timeouts_total', { op: 'append' });
        if (records > 0) telemetry.count('kms_audit_appends_total', { result: 'err' }, records);
      },
    },
  });
}

/** Readers see it only under a checkpoint, so that one follows. */
function changesPublicView(record: AuditRecord): boolean {
  const row = AUDIT_OPS[record.op];
  return row.checkpoint || row.mutation || record.op === 'ledger.append';
}

const TOPICS: Readonly<Partial<Record<AuditRecord['op'], EventTopic>>> = {
  create: 'kms.key.created',
  rotate: 'kms.key.rotated',
  retire: 'kms.key.retired',
  mint: 'kms.capability.minted',
  revoke: 'kms.capability.revoked',
};

function publish({ telemetry }: CustodyServiceOptions, record: AuditRecord): void {
  const topic = TOPICS[record.op];
  if (topic !== undefined) {
    const kid = record.kid === undefined ? null : parseKeyId(record.kid);
    const key = kid === null ? {} : { kid_hash: kidHash(kid.kid), kid_version: kid.version };
    telemetry.publish(topic, { tenant: record.tenant ?? null, ...key, index: record.seq });
  }
  if (record.op === 'gap') telemetry.publish('kms.audit.gap', { ...record.detail, index: record.seq });
}

function spaceOf(backend: Backend, { audit }: ServerConfig): Space {
  const { clock, files, paths } = backend.context;
  return new Space(files, paths.audit, clock, {
    ...(backend.inMemory
      ? { reserveBytes: 0, lastBytes: MEMORY_LAST_BYTES }
      : { reserveBytes: audit.reserve_bytes, lastBytes: LAST_BYTES }),
    tenantBytesPerS: audit.tenant_bytes_per_s,
  });
}

async function exportersOf(
  { options }: OpenParts,
  backend: Backend,
  { audit, service }: ServerConfig,
): Promise<Exporters> {
  const { context, store } = backend;
  const { files, clock, random, paths } = context;
  const exporters = new Exporters({
    files,
    auditDir: paths.audit,
    clock,
    random,
    telemetry: options.telemetry,
    tip: () => ({ epoch: epochNumber(store.origin) ?? 0, size: store.logSize, checkpoint: store.newestCheckpoint() }),
    checkpointsOnly: service.amnesia,
    open: options.sinks ?? (async ({ name }) => fail('Unsupported', `nothing here serves the sink ${name}`)),
  });
  await exporters.configure(audit);
  return exporters;
}

function checkpointerOf(
  backend: Backend,
  { telemetry }: CustodyServiceOptions,
  config: ServerConfig,
  exporters: Exporters,
): Checkpointer {
  const { audit, limits } = config;
  return new Checkpointer(
    {
      clock: backend.context.clock,
      telemetry,
      intervalOps: audit.checkpoint_interval_ops,
      intervalMs: audit.checkpoint_interval_ms,
      deadlineMs: limits.checkpoint_deadline_ms,
      sign: async () => {
        await backend.keepPin();
        const signed = await backend.store.checkpoint();
        exporters.wake();
        return signed;
      },
    },
    backend.store.newestCheckpoint().signedAtMs,
  );
}
