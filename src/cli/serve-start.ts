// The start of a server, step by step (the order is in serve.ts). Whatever was opened before a step that fails is closed
// again: the log gets its `stop` record, and nothing of the run is left behind.

import type { Crypto } from '../crypto/provider.ts';
import { loadCrypto } from '../crypto/select.ts';
import { selfTest, selfTestAgain, TESTED_ALGS } from '../crypto/self-test.ts';
import type { Host } from '../host.ts';
import { boundedCrypto } from '../kms/bounded-crypto.ts';
import { observedCrypto } from '../kms/observed-crypto.ts';
import type { CosigningLoop } from '../kms/service/cosigning-loop.ts';
import { type CustodyService, openCustodyService } from '../kms/service/custody-service.ts';
import { createTelemetry, logSettings, type ServiceTelemetry } from '../kms/service-telemetry.ts';
import { homePaths, readHome } from '../storage/home.ts';
import type { StoreDeps } from '../storage/store-deps.ts';
import { withWriteThread } from './node-files.ts';
import type { ServeInput } from './serve.ts';
import { LiveConfig } from './serve-config.ts';
import { cosigningOf } from './serve-cosigning.ts';
import { type LineWriter, lineWriter } from './serve-log.ts';
import { governedProfile, memoryRequest, spoolTo } from './serve-memory.ts';
import { preparePlace, type ServePlace, servePlace } from './serve-place.ts';
import { refuseOtherServer } from './serve-run-files.ts';
import { sinksOf } from './serve-sinks.ts';
import { TlsPair } from './serve-tls.ts';
import { Serving } from './serving.ts';

/** Everything that a server lives on. */
export interface ServerBasis {
  readonly input: ServeInput;
  readonly live: LiveConfig;
  readonly log: LineWriter;
  readonly telemetry: ServiceTelemetry;
  readonly tls: TlsPair;
  readonly place: ServePlace;
  readonly homeId: string | null;
  readonly custody: CustodyService;
  /** Null without a witness policy. */
  readonly cosigning: CosigningLoop | null;
}

/** Tested again while it serves; SLH-DSA takes too long for that. */
const PQ_ALGS = ['ml-dsa', 'ml-dsa-44', 'ml-kem', 'x-wing'] as const;

/** Known answers of every algorithm before anything is unsealed (keys page 1). Throws SelfTestFailed. */
async function provider(live: LiveConfig, telemetry: ServiceTelemetry, host: Host): Promise<Crypto> {
  const crypto = await loadCrypto(live.config.crypto.provider);
  await selfTest(crypto, TESTED_ALGS);
  const { clock, env } = host;
  return boundedCrypto(
    observedCrypto(crypto, telemetry, () => clock.monotonicMs()),
    env.cpus,
  );
}

/** Passphrase flags, the configured file, a systemd credential, the terminal. */
function storeDeps({ runtime, flags }: ServeInput, live: LiveConfig, crypto: () => Promise<Crypto>): StoreDeps {
  const configured = live.config.backends.file.passphrase_file;
  const isFlagged = (flags['passphrase-file'] ?? []).length > 0 || flags['passphrase-fd'] !== undefined;
  const named = isFlagged || configured === '' ? flags['passphrase-file'] : [configured];
  const { host, home, passphrases, askYes, lockTimeoutMs } = runtime.deps({ ...flags, 'passphrase-file': named });
  const files = withWriteThread(host.files);
  return { host: { ...host, files }, home, passphrases, askYes, lockTimeoutMs, crypto };
}

/** Resolves when it is ready. */
export async function startServing(input: ServeInput): Promise<Serving> {
  const { runtime, flags } = input;
  const { host, home } = runtime;
  const deps = runtime.deps();
  const alone = await LiveConfig.start(deps, input.configFlags, null);
  const memory = await memoryRequest(runtime, flags, alone.config);
  const fixed = memory?.genesis == null ? null : governedProfile(memory, await deps.crypto());
  const live = fixed === null ? alone : await LiveConfig.start(deps, input.configFlags, fixed);
  const log = lineWriter((text) => host.terminal.writeStderr(text));
  const monotonicMs = (): number => host.clock.monotonicMs();
  const telemetry = createTelemetry({
    nowMs: () => host.clock.now(),
    monotonicMs,
    write: (line) => log.write(line),
    settings: () => logSettings(live.config),
  });
  try {
    for (const message of live.loaded.warnings) telemetry.log('warn', 'config_warning', { message });
    if (live.loaded.file === null)
      telemetry.log('info', 'config_defaults', { message: 'no configuration file: defaults and environment' });
    const tls = new TlsPair(host.files, telemetry, () => host.clock.now());
    tls.prepare(live.config).take();
    const homeId = readHome(host.files, homePaths(home))?.home_id ?? null;
    const place = servePlace(host, {
      home,
      homeId,
      amnesia: live.config.service.amnesia,
      operatorCap: flags['operator-cap'] === undefined ? undefined : runtime.path(flags['operator-cap']),
    });
    refuseOtherServer(host, place);
    const spool = spoolTo(runtime, flags.spool);
    const crypto = await provider(live, telemetry, runtime.host);
    const cosigning = await cosigningOf({ host, home, crypto, config: live.config, telemetry });
    const custody = await openCustodyService(
      storeDeps(input, live, async () => crypto),
      {
        config: live.config,
        telemetry,
        version: input.version,
        build: runtime.development ? 'development' : 'release',
        provider: live.config.crypto.provider,
        ...(memory === null ? {} : { memory }),
        ...(spool === undefined ? {} : { spool }),
        sinks: sinksOf(runtime.host),
        confirmTime: flags['confirm-time'] === true,
        pqTest: async () => selfTestAgain(await loadCrypto(live.config.crypto.provider), PQ_ALGS),
        judge: (ledger, judged) => live.judge(ledger, judged),
        events: (request) => telemetry.ring.read(request),
      },
    );
    try {
      preparePlace(host.files, place);
      return await Serving.start({ input, live, log, telemetry, tls, place, homeId, custody, cosigning });
    } catch (error) {
      await custody.close('start-failed');
      throw error;
    }
  } finally {
    log.flush();
  }
}
