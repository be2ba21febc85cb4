// The custody service of one command: the ports over this home, read without a passphrase, unsealed once when a method needs
// it, and closed with a checkpoint when it was unsealed (log page 4.1). The server is custody-service.ts, over the same ports.

import { createLogVerifier } from '../../audit/checkpoint.ts';
import { scanAuditHead } from '../../storage/audit-appender.ts';
import { epochPaths } from '../../storage/audit-paths.ts';
import { newestVerifiedCheckpoint } from '../../storage/audit-store.ts';
import { checkpointInfo } from '../../storage/audit-writer.ts';
import { type StoreDeps, storeContext } from '../../storage/store-deps.ts';
import { homeLog } from '../../storage/trusted-log.ts';
import type { Kms } from '../admin-ports.ts';
import { type AuditLogReading, auditService } from './audit-port.ts';
import type { Custodian } from './custodian.ts';
import { filesService } from './files-port.ts';
import { governanceService } from './governance-port.ts';
import { readGovernance } from './governance-reader.ts';
import { readHomeState } from './home-reader.ts';
import { inProcessKeys } from './in-process.ts';
import { policyService } from './policy-port.ts';
import { openSession, type Session, type SessionOptions } from './session.ts';
import { sessionCapabilities } from './session-capabilities.ts';
import { readTrusted } from './trusted-services.ts';

/** What a command may ask for, here or of a server. */
export type CommandKms = Pick<
  Kms,
  'keys' | 'signing' | 'wrapping' | 'attesting' | 'governance' | 'policy' | 'audit' | 'files' | 'capabilities'
>;

export interface CommandService extends CommandKms {
  /** Destroys opened keys, writes a checkpoint where the store was unsealed, releases everything. */
  close(): Promise<void>;
  /** The same after an error. */
  abandon(): Promise<void>;
}

export function commandService(deps: StoreDeps, options: SessionOptions): CommandService {
  let opening: Promise<Session> | undefined;
  const open = (confirmTime: boolean, accepts?: string): Promise<Session> => {
    opening ??= openSession(deps, {
      ...options,
      confirmTime: confirmTime || options.confirmTime === true,
      ...(accepts === undefined ? {} : { accepts }),
    });
    return opening;
  };
  const custodian: Custodian = {
    keysElsewhere: false,
    act: async ({ before, confirmTime, accepts }, use) => {
      if (before !== undefined && opening === undefined) await before(await storeContext(deps));
      return use(await open(confirmTime, accepts));
    },
    checkpoint: async () => (await open(false)).checkpoint(),
  };
  const capabilities = sessionCapabilities(() => open(false), deps.host);
  const keys = inProcessKeys({
    random: deps.host.random,
    crypto: deps.crypto,
    reader: () => readHomeState(deps),
    oldReader: () => readHomeState(deps, { mayBeOld: true }),
    trusted: () => readTrusted(deps),
    unsealed: async () => {
      const session = await open(false);
      return {
        store: session.store,
        readOnly: options.dryRun === true || session.store.verifyOnly !== null,
        policy: () => session.governance,
        judged: () => session.judgedNow(),
      };
    },
  });
  return {
    capabilities: capabilities.port,
    keys: keys.keys,
    signing: keys.signing,
    wrapping: keys.wrapping,
    attesting: keys.attesting,
    governance: governanceService(custodian, {
      context: () => storeContext(deps),
      reading: async () => readGovernance(await storeContext(deps)),
    }),
    policy: policyService(() => readHomeState(deps)),
    audit: auditService(custodian, () => readLog(deps)),
    files: filesService(async () => ({ files: (await storeContext(deps)).files, root: deps.home })),
    close: async () => {
      await keys.close();
      await capabilities.close();
      await (await opening)?.close();
    },
    abandon: async () => {
      await keys.close().catch(() => undefined);
      await capabilities.close();
      await (await opening?.catch(() => undefined))?.abandon();
    },
  };
}

/** The log of a home that nobody unsealed: up to the head that fits the records. */
async function readLog(deps: StoreDeps): Promise<AuditLogReading> {
  const ctx = await storeContext(deps);
  const { epoch, log } = homeLog(ctx);
  const paths = epochPaths(ctx.paths.audit, epoch);
  const signed = newestVerifiedCheckpoint(ctx.files, paths, createLogVerifier(log, ctx.crypto));
  const size = scanAuditHead(ctx.files, ctx.paths.audit)?.size ?? 0;
  return { files: ctx.files, paths, origin: log.origin, epoch, size, checkpoint: signed && checkpointInfo(signed) };
}
