// The ports of a server's custody service, put together from its parts (service page 1): what changes something goes through
// the backend one act at a time, what reads looks at the files of the home as they are now.

import { epochNumber } from '../../governance/key-chain.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import type { Health, Kms, ServiceState, TlogFiles } from '../admin-ports.ts';
import { absentDirectory } from './absent-directory.ts';
import { type AuditLogReading, auditService } from './audit-port.ts';
import { authoriseInstance, whileItStands } from './authorise.ts';
import type { Backend } from './backend.ts';
import type { Custodian } from './custodian.ts';
import { filesService } from './files-port.ts';
import { governanceService } from './governance-port.ts';
import { readGovernance } from './governance-reader.ts';
import { policyService } from './policy-port.ts';
import type { ServiceParts } from './service-parts.ts';
import type { ServingKeys } from './serving-keys.ts';
import { unavailable } from './serving-store.ts';
import { tlogService } from './tlog-port.ts';

/** The ports, and what the tlog listener publishes. */
export function servicePorts(
  parts: ServiceParts,
  own: ServingKeys,
  state: () => ServiceState,
): { readonly kms: Kms; readonly tlog: TlogFiles } {
  const { backend, capabilities, checkpointer, deps, options } = parts;
  const { keys, signing, wrapping, attesting } = own;
  const { context } = backend;
  const custodian: Custodian = {
    keysElsewhere: backend.inMemory,
    act: (options, use) => backend.act(options, use),
    checkpoint: async (call) => (call.dryRun === true ? null : checkpointer.now()),
  };
  // A directory that is away must not look like a log that was cut.
  const there = async <T>(read: () => T): Promise<T> => {
    const absent = absentDirectory(context);
    if (absent !== null) throw unavailable(absent);
    return read();
  };
  const log = () => there(() => logOf(backend));
  const kms: Kms = {
    keys,
    signing,
    wrapping,
    attesting,
    governance: governanceService(custodian, {
      context: () => Promise.resolve(context),
      // A rolled-back store is read for the one act that goes on from it; who asks judges what comes.
      reading: () => there(() => readGovernance(context, { mayBeOld: true })),
    }),
    policy: policyService(() => {
      const { judged, trust } = own.reader();
      return Promise.resolve({ policy: backend.view, judged, trust });
    }),
    audit: auditService(custodian, log),
    files: filesService(() => there(() => ({ files: context.files, root: deps.home }))),
    capabilities: capabilities.capabilities,
    health: healthOf(options.events, state),
  };
  return { kms, tlog: tlogService(log) };
}

function healthOf(events: ServiceParts['options']['events'], state: () => ServiceState): Health {
  return {
    status: async (_request, call) => {
      authoriseInstance(call, 'kms:read');
      return state();
    },
    events: (request, call) => {
      authoriseInstance(call, 'kms:audit');
      return whileItStands(call, events({ ...request, signal: call.signal }));
    },
  };
}

function logOf({ context, store }: Backend): AuditLogReading {
  const epoch = epochNumber(store.origin) ?? 0;
  return {
    files: context.files,
    paths: epochPaths(context.paths.audit, epoch),
    origin: store.origin,
    epoch,
    size: store.logSize,
    checkpoint: store.newestCheckpoint(),
  };
}
