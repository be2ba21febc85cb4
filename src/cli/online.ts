// Whether a command runs against a server, and how that server is reached (service page 3): --kms, else RONCTL_KMS, else
// kms.url, else not at all. There is no other address to fall back to. Refuses a socket that is not this account's, a token
// that others can read, https without a pin, and plain http without --unsafe-plain-loopback or under a macronode genesis.

import { join, resolve } from 'node:path';
import type { Json } from '../bytes/canonical-json.ts';
import { fromUtf8 } from '../bytes/text.ts';
import { parseDuration } from '../bytes/time.ts';
import { uuidV7 } from '../bytes/uuid.ts';
import type { ClientConfig } from '../config/client-config.ts';
import { RonError } from '../errors.ts';
import type { Files, Host } from '../host.ts';
import type { KmsClient } from '../kms-client/client.ts';
import type { Endpoint } from '../kms-client/connect.ts';
import { type Target, targetName } from '../kms-client/target.ts';
import { MAX_RETRIES, TOTAL_TIMEOUT_MS } from '../kms-client/transport.ts';
import { LIMITS } from '../limits.ts';
import type { OnlineService, OperationDeps } from '../operations/deps.ts';
import { checkedFiles } from '../storage/checked-files.ts';
import { homePaths, readHome } from '../storage/home.ts';
import { decodePublicView } from '../storage/public-view.ts';
import { type RuntimeFile, readRuntimeFile, runtimeFilePath } from '../storage/runtime-file.ts';
import { storeContext } from '../storage/store-deps.ts';
import { listPins, readPinnedGenesis } from '../storage/trust-pin.ts';
import { readToken } from './token-file.ts';

/** What the flags say beside --kms. */
export interface OnlineFlags {
  readonly tokenFile: string | undefined;
  readonly unsafePlainLoopback: boolean;
}

export interface OnlineParts {
  readonly host: Host;
  readonly home: string;
  readonly config: ClientConfig;
  /** Absolute path of the client configuration: its relative paths start there. */
  readonly configFile: string | null;
  readonly flags: OnlineFlags;
  /** Deps of an offline command on this home. */
  readonly deps: () => OperationDeps;
}

/** Any target but none. */
export type Server = Exclude<Target, { readonly kind: 'none' }>;

interface Reached {
  readonly endpoint: Endpoint;
  readonly token: string | null;
}

const FLAG = '--kms';
const TIMEOUT_MAX_MS = 60_000;

const variable = (host: Pick<Host, 'env'>, name: string): string | undefined => host.env.get(name) || undefined;

/** Nothing is opened before the first use. Throws RefusedConfig for limits that are none. */
export function onlineService(target: Server, parts: OnlineParts): OnlineService {
  const { host } = parts;
  const limits = limitsOf(parts.config);
  let reached: Promise<Reached> | undefined;
  let connecting: Promise<KmsClient> | undefined;
  let connected: KmsClient | undefined;
  let published: Files | undefined;
  let learned = false;
  let profile: string | null = null;
  const reach = (): Promise<Reached> => {
    reached ??= reachOf(target, parts);
    return reached;
  };
  const corrId = (): string => uuidV7(host.clock.now(), host.random.bytes(16));
  const client = (): Promise<KmsClient> => {
    connecting ??= connect();
    return connecting;
  };
  const connect = async (): Promise<KmsClient> => {
    const { connectKms } = await import('../kms-client/client.ts');
    const onNotice = (line: string): void => host.log.notice(line);
    connected = await connectKms({ ...(await reach()), ...limits, clock: host.clock, onNotice, corrId: corrId() });
    return connected;
  };
  return {
    name: targetName(target),
    kms: async () => (await client()).kms,
    async probe(path) {
      const { status, body } = await (await client()).probe(path);
      const answer = status === 200 || status === 503 ? objectOf(body) : null;
      if (answer !== null) return answer;
      throw new RonError('Unreachable', `${targetName(target)}: ${path} answers ${status}, with no object`);
    },
    async metrics() {
      const { connectKms } = await import('../kms-client/client.ts');
      const endpoint = metricsEndpoint(target, parts);
      const scraper = await connectKms({ endpoint, ...limits, token: null, clock: host.clock, corrId: corrId() });
      const { status, body } = await scraper.probe('/metrics');
      const text = fromUtf8(body);
      if (status === 200 && text !== null) return text;
      throw new RonError('Unreachable', `${endpoint.name}: /metrics answers ${status}`);
    },
    tlsGroup: () => connected?.tlsGroup() ?? null,
    async reading(own) {
      const [{ blockingFiles }, { remoteFiles }, { scanTask }, { learnKeys }] = await Promise.all([
        import('./blocking-fetch.ts'),
        import('../kms-client/remote-files.ts'),
        import('../storage/audit-scan.ts'),
        import('../operations/governance/learn-keys.ts'),
      ]);
      published ??= remoteFiles({
        own: host.files,
        home: parts.home,
        server: blockingFiles({ ...(await reach()), ...limits }),
        name: targetName(target),
        profile: () => profile,
      });
      const files = published;
      // A worker thread has files of its own, which are not these.
      const workers = {
        parallelism: 1,
        prepare: () => undefined,
        run: async <T>(_task: string, input: unknown, onPart: (part: unknown) => void = () => undefined) =>
          scanTask(files, input, onPart) as T,
      };
      const reader: OperationDeps = { ...own, host: { ...host, files, workers }, online: null };
      if (!learned) {
        learned = true;
        await learnKeys(reader);
        if (isUngoverned(files, parts.home)) profile = textOf((await this.probe('/version'))['profile']);
      }
      return reader;
    },
  };
}

/** Metrics have a listener of their own, which only the runtime file of this home names. */
function metricsEndpoint(target: Server, parts: OnlineParts): Endpoint {
  const address = target.kind === 'local' ? runtimeOf(parts).metrics_addr : undefined;
  const url = address === undefined ? null : URL.parse(`http://${address}`);
  if (url !== null && url.port !== '') {
    return { name: `the metrics of ${targetName(target)}`, host: url.hostname, port: Number(url.port) };
  }
  throw new RonError('Unreachable', `where ${targetName(target)} tells its metrics is not known here`, {
    field: FLAG,
    hint: 'Metrics have an address of their own (metrics_addr): ask that one, or use --kms local beside the server.',
  });
}

const textOf = (value: Json | undefined): string | null => (typeof value === 'string' ? value : null);

/** Nothing but the server itself can say the profile of a store without a ledger. */
function isUngoverned(files: Files, home: string): boolean {
  const view = files.read(homePaths(home).publicView, LIMITS.stateFileBytes);
  try {
    return view !== null && decodePublicView(view, 'public.json').ledger_id === null;
  } catch (error) {
    // What is wrong with it is said by whoever reads it.
    if (error instanceof RonError) return false;
    throw error;
  }
}

function objectOf(body: Uint8Array): Readonly<Record<string, Json>> | null {
  try {
    const value: unknown = JSON.parse(fromUtf8(body) ?? '');
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, Json>)
      : null;
  } catch {
    return null;
  }
}

/**
 * The live server of this home by its socket, for what needs no capability (`cap register`); null when none runs. Throws what
 * a broken runtime file throws.
 */
export function serverOfHome(parts: Omit<OnlineParts, 'flags'>): OnlineService | null {
  const own: OnlineParts = { ...parts, flags: { tokenFile: undefined, unsafePlainLoopback: false } };
  try {
    runtimeOf(own);
  } catch (error) {
    if (error instanceof RonError && error.code === 'Unreachable') return null;
    throw error;
  }
  return onlineService({ kind: 'local' }, own);
}

/** Throws RefusedConfig naming the key. */
function limitsOf({ kms }: ClientConfig): { readonly timeoutMs: number; readonly retries: number } {
  const refuse = (field: string, why: string): never => {
    throw new RonError('RefusedConfig', `${field}: ${why}`, { field, hint: `Correct ${field} in the configuration.` });
  };
  const retries = kms.retries ?? MAX_RETRIES;
  if (retries > MAX_RETRIES) return refuse('kms.retries', `at most ${MAX_RETRIES} are made, not ${retries}`);
  const timeoutMs = kms.timeout === undefined ? TOTAL_TIMEOUT_MS : parseDuration(kms.timeout, 'kms.timeout');
  if (timeoutMs < 1 || timeoutMs > TIMEOUT_MAX_MS) {
    return refuse('kms.timeout', `a duration of 1 ms to ${TIMEOUT_MAX_MS / 1000} s is expected, not ${kms.timeout}`);
  }
  return { timeoutMs, retries };
}

async function reachOf(target: Server, parts: OnlineParts): Promise<Reached> {
  const name = targetName(target);
  const { host } = parts;
  switch (target.kind) {
    case 'local': {
      const run = runtimeOf(parts);
      checkSocket(host, run.socket, name);
      return { endpoint: { name, socketPath: run.socket }, token: tokenOf(parts) ?? readCap(host, run) };
    }
    case 'unix':
      checkSocket(host, target.path, name);
      return { endpoint: { name, socketPath: target.path }, token: tokenOf(parts) };
    case 'loopback': {
      if (!parts.flags.unsafePlainLoopback) {
        throw new RonError('Usage', `${name}: any account of this machine can listen there and take the token`, {
          field: '--unsafe-plain-loopback',
          hint: 'Use --kms local or unix:PATH, or accept it with --unsafe-plain-loopback.',
        });
      }
      const profile = await strictest(parts);
      if (profile === 'macronode') {
        throw new RonError(
          'RefusedConfig',
          `${name}: the pinned genesis is of profile macronode, which refuses plain http`,
          {
            field: '--unsafe-plain-loopback',
            hint: 'Use --kms local, unix:PATH or https://HOST:PORT.',
          },
        );
      }
      const { host: address, port } = target;
      return { endpoint: { name, host: address, port }, token: tokenOf(parts) };
    }
    default: {
      const { host: address, port } = target;
      const pin = pinOf(parts, `${address}:${port}`, name);
      const profile = await strictest(parts);
      // A classical group is a downgrade; only dev and drill put up with one (I-41).
      const pqOnly = profile === 'macronode' || profile === 'micronode';
      return { endpoint: { name, host: address, port, tls: { ...pin, pqOnly } }, token: tokenOf(parts) };
    }
  }
}

/** What run/kms.json says of the live server of this home. */
function runtimeOf({ host, home }: OnlineParts): RuntimeFile {
  const base = variable(host, 'XDG_RUNTIME_DIR');
  const directories = [homePaths(home).run, ...(base === undefined ? [] : [join(base, 'ronctl')])];
  let stale: string | undefined;
  for (const directory of directories) {
    if (host.files.info(directory) === null) continue;
    const files = checkedFiles(host.files, directory);
    const found = readRuntimeFile({ files, clock: host.clock }, directory);
    if (found !== null && isOfThisHome(host, home, found)) return found;
    if (found === null && files.info(runtimeFilePath(directory)) !== null) stale ??= runtimeFilePath(directory);
  }
  throw new RonError(
    'Unreachable',
    stale === undefined
      ? `no server of ${home} is running`
      : `no server of ${home} is running: the one that ${stale} names has ended`,
    { field: FLAG, hint: 'Start it: ronctl kms serve' },
  );
}

/** Attack: another home's server, started by this account, is taken for this one's. */
function isOfThisHome(host: Host, home: string, file: RuntimeFile): boolean {
  const own = host.files.info(home) === null ? null : readHome(checkedFiles(host.files, home), homePaths(home));
  return own === null || file.home_id === undefined || file.home_id === own.home_id;
}

function checkSocket(host: Host, path: string, name: string): void {
  const info = host.files.info(path);
  if (info === null) {
    throw new RonError('Unreachable', `${name}: there is no socket ${path}`, {
      field: FLAG,
      hint: 'Check that the server runs; it prints its socket when it is ready.',
    });
  }
  if (info.type !== 'other') throw new RonError('UnsafeFile', `${path} is no socket`, { field: FLAG });
  const uid = host.files.uid();
  if (info.uid !== uid && uid !== 0) {
    throw new RonError('UnsafeFile', `the socket ${path} belongs to uid ${info.uid}, and ronctl runs as uid ${uid}`, {
      field: FLAG,
      hint: 'Run ronctl as the account of the server, or reach it by https.',
    });
  }
}

/** The operator's capability that the server left beside its runtime file. */
function readCap(host: Host, run: RuntimeFile): string | null {
  return run.cap === undefined || host.files.info(run.cap) === null ? null : readToken(host, run.cap, 'kms.json cap');
}

function tokenOf({ host, config, configFile, flags }: OnlineParts): string | null {
  const named = variable(host, 'RONCTL_TOKEN_FILE');
  if (flags.tokenFile !== undefined) {
    return readToken(host, resolve(host.env.cwd, flags.tokenFile), '--token-file');
  }
  if (named !== undefined) return readToken(host, resolve(host.env.cwd, named), 'RONCTL_TOKEN_FILE');
  const file = config.kms.token_file;
  return file === undefined ? null : readToken(host, beside(host, configFile, file), 'kms.token_file');
}

const beside = (host: Host, configFile: string | null, path: string): string =>
  resolve(configFile === null ? host.env.cwd : join(configFile, '..'), path);

const CA_BYTES = 256 * 1024;

/** CA, digest, or the digest that a server of this home left for exactly this address. */
function pinOf(parts: OnlineParts, address: string, name: string) {
  const { host, config, configFile } = parts;
  const { ca_file, cert_sha256 } = config.kms;
  if (ca_file !== undefined) {
    const path = beside(host, configFile, ca_file);
    const bytes = host.files.read(path, CA_BYTES);
    if (bytes === null) throw new RonError('NotFound', `there is no file ${path}`, { field: 'kms.ca_file' });
    const ca = Buffer.from(bytes).toString('latin1');
    return { ca, ...(cert_sha256 === undefined ? {} : { certSha256: cert_sha256 }) };
  }
  if (cert_sha256 !== undefined) return { certSha256: cert_sha256 };
  const directory = homePaths(parts.home).run;
  const own =
    host.files.info(directory) === null
      ? null
      : readRuntimeFile({ files: checkedFiles(host.files, directory), clock: host.clock }, directory);
  if (own?.cert_sha256 !== undefined && own.addr === address) return { certSha256: own.cert_sha256 };
  throw new RonError('RefusedConfig', `${name}: its certificate is not pinned`, {
    field: 'kms.ca_file',
    hint: 'Set kms.ca_file or kms.cert_sha256 in the client configuration; its operator says which.',
  });
}

/** The strictest profile of the genesis files that are pinned here; null without any. */
async function strictest(parts: OnlineParts): Promise<string | null> {
  if (parts.host.files.info(parts.home) === null) return null;
  const ctx = await storeContext(parts.deps());
  const profiles = listPins(ctx).map((pin) => readPinnedGenesis(ctx, pin.ledger_id).genesis.profile);
  return ['macronode', 'micronode'].find((one) => profiles.some((profile) => profile === one)) ?? profiles[0] ?? null;
}
