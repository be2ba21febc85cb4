// `evidence` (I-46): what an auditor takes away. A directory laid out like a home, with the ledger, the audit log with its
// checkpoints, the pins, the public view and the key objects as they are, so that the verifiers run on it unchanged; beside
// them the effective policy, the configuration, versions and the report of `doctor`, and a manifest of digests. Opens no
// private key and takes no sealed record along.

import { canonicalFile, type JsonObject } from '../bytes/canonical-json.ts';
import { fromTime, toTime } from '../bytes/time.ts';
import { sha256Hex } from '../crypto/hash.ts';
import { fingerprintWords } from '../envelope/fingerprint.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { readHomeState } from '../kms/service/home-reader.ts';
import { LIMITS } from '../limits.ts';
import { segmentNumber } from '../storage/audit-paths.ts';
import { segmentLines, withFile } from '../storage/audit-segment.ts';
import { checkedFiles } from '../storage/checked-files.ts';
import { ensureDirectory, writeNewFile } from '../storage/durable-file.ts';
import { copyFile, filesBelow } from '../storage/file-copy.ts';
import { homePaths, readHome } from '../storage/home.ts';
import type { OperationDeps } from './deps.ts';
import { inspect } from './policy/inspect.ts';
import { type PolicySource, tenantsOf } from './policy/source.ts';

export const EVIDENCE_FORMAT = 'ronctl-evidence/1';

export interface EvidenceRequest {
  /** RFC 3339 UTC with milliseconds. */
  readonly since: string;
  /** Absolute; must not exist, or be empty. */
  readonly out: string;
  /** Reports to lay beside the copies, by file name: versions, configuration, doctor. */
  readonly reports: Readonly<Record<string, JsonObject>>;
}

export interface EvidenceResult {
  readonly out: string;
  readonly since: string;
  readonly until: string;
  readonly files: number;
  readonly bytes: number;
  /** Of evidence.json. */
  readonly sha256: string;
  readonly words: readonly string[];
  /** Per epoch: the first record at or after `since`, and the number of records. */
  readonly logs: readonly { readonly epoch: number; readonly from: number; readonly size: number }[];
  readonly private_keys_opened: false;
}

type Deps = Pick<OperationDeps, 'host' | 'home' | 'crypto' | 'onProgress'>;

/** The policy in force, globally and for every tenant; null where there is no custody store to have one. */
async function policyReport(deps: Deps): Promise<JsonObject | null> {
  let state: Awaited<ReturnType<typeof readHomeState>>;
  try {
    state = await readHomeState(deps);
  } catch (error) {
    if (error instanceof RonError && error.code === 'NotInitialised') return null;
    throw error;
  }
  const source = async (): Promise<PolicySource> => state;
  const scopes = await Promise.all([null, ...tenantsOf(state)].map((tenant) => inspect({ tenant }, { source })));
  return { scopes: scopes as unknown as JsonObject[] };
}

/** Files of a home that tell what happened; no sealed record, no lock, no index, no keyed head. */
function selected(files: Files, home: string): string[] {
  const paths = homePaths(home);
  const below = (directory: string, keep: (path: string) => boolean = () => true): string[] =>
    filesBelow(files, `${home}/${directory}`)
      .map((path) => `${directory}/${path}`)
      .filter((path) => keep(path) && !path.endsWith('.tmp'));
  const audit = below('audit', (path) =>
    /^audit\/(?:log\.json|e\d+\/(?:segments\/|tile\/|checkpoint|cosigned|counters\.json|imported\/))/.test(path),
  );
  const store = below('store', (path) => path === 'store/public.json' || path.startsWith('store/keys/'));
  const chosen = [...below('trust'), ...store, ...below('ledger'), ...audit];
  return files.info(paths.homeFile) === null ? chosen : ['home.json', ...chosen];
}

const TS = /"ts":"([^"]+)"/;
const SEQ = /"seq":(\d+)/;

/** First record at or after `since`, and the size, of one epoch. */
function rangeOf(files: Files, epochDirectory: string, sinceMs: number): { from: number; size: number } {
  const directory = `${epochDirectory}/segments`;
  let from: number | null = null;
  let size = 0;
  for (const name of files.list(directory).filter((one) => segmentNumber(one) !== null)) {
    withFile(files, `${directory}/${name}`, (file) => {
      for (const { line, complete } of file === null ? [] : segmentLines(file)) {
        if (!complete) break;
        const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('latin1');
        const seq = Number(SEQ.exec(text)?.[1] ?? size);
        if (from === null && fromTime(TS.exec(text)?.[1] ?? '') >= sinceMs) from = seq;
        size = seq + 1;
      }
    });
  }
  return { from: from ?? size, size };
}

/** What must not change while it is copied: the head of the log and the public view. */
function mark(files: Files, home: string): string {
  const heads = files
    .list(`${home}/audit`)
    .filter((name) => /^e\d+$/.test(name))
    .map((name) => `${home}/audit/${name}/checkpoint`);
  return [...heads, homePaths(home).publicView]
    .map((path) => sha256Hex(files.read(path, LIMITS.stateFileBytes) ?? new Uint8Array(0)))
    .join(' ');
}

function prepareOut(files: Files, home: string, out: string): void {
  if (out === home || out.startsWith(`${home}/`)) {
    throw new RonError('InvalidValue', `${out} lies in the home`, {
      field: '--out',
      hint: 'Name a directory outside; what lies in a home belongs to it.',
    });
  }
  const info = files.info(out);
  if (info !== null && (info.type !== 'directory' || files.list(out).length > 0)) {
    throw new RonError('Exists', `${out} is there already and is not overwritten`, {
      field: '--out',
      hint: 'Name a directory that does not exist.',
    });
  }
  if (info === null) ensureDirectory(files, out);
}

/** NotInitialised without a home; Exists; Changing when a writer was faster than the copy. */
export async function evidence(request: EvidenceRequest, deps: Deps): Promise<EvidenceResult> {
  const { host, home } = deps;
  const source = checkedFiles(host.files, home);
  if (readHome(source, homePaths(home)) === null) {
    throw new RonError('NotInitialised', `there is no home at ${home}`, {
      hint: 'Set RONCTL_HOME, or run `ronctl init`.',
    });
  }
  const before = mark(source, home);
  const names = selected(source, home);
  prepareOut(host.files, home, request.out);
  const digests: Record<string, string> = {};
  let bytes = 0;
  const makeParents = (name: string): void => {
    const parts = name.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++)
      ensureDirectory(host.files, `${request.out}/${parts.slice(0, depth).join('/')}`);
  };
  for (const [index, name] of names.entries()) {
    makeParents(name);
    const copied = await copyFile(source, `${home}/${name}`, host.files, `${request.out}/${name}`);
    digests[name] = copied.sha256;
    bytes += copied.sizeBytes;
    deps.onProgress({ phase: 'evidence', done: index + 1, total: names.length, unit: 'files' });
  }
  if (mark(source, home) !== before) {
    throw new RonError('Changing', 'the home changed while it was copied', {
      hint: `Remove ${request.out} and run the command again.`,
    });
  }
  const durable = { files: host.files, random: host.random };
  const policy = await policyReport(deps);
  const reports = { ...request.reports, ...(policy === null ? {} : { 'policy.json': policy }) };
  for (const [name, report] of Object.entries(reports)) {
    const file = canonicalFile(report);
    await writeNewFile(durable, `${request.out}/${name}`, file);
    digests[name] = sha256Hex(file);
    bytes += file.length;
  }
  const logs = source
    .list(`${home}/audit`)
    .filter((name) => /^e\d+$/.test(name))
    .map((name) => ({
      epoch: Number(name.slice(1)),
      ...rangeOf(source, `${home}/audit/${name}`, fromTime(request.since)),
    }))
    .sort((a, b) => a.epoch - b.epoch);
  const until = toTime(host.clock.now());
  const manifest = canonicalFile({ format: EVIDENCE_FORMAT, since: request.since, until, logs, files: digests });
  await writeNewFile(durable, `${request.out}/evidence.json`, manifest);
  const sha256 = sha256Hex(manifest);
  return {
    out: request.out,
    since: request.since,
    until,
    files: Object.keys(digests).length + 1,
    bytes: bytes + manifest.length,
    sha256,
    words: fingerprintWords(`sha256:${sha256}`),
    logs,
    private_keys_opened: false,
  };
}
