// The inbox (governance page 9, X-02): inbox/<64 hex of H>.json, signed files that do not count before their ingest. Anybody
// who can write the home can put files here, so nothing in it is trusted: names are digests of the content, contents are
// verified by whoever ingests. Refused files go to inbox/refused/, of which the newest 100 are kept. At most 1,000 files.

import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { type DurableDeps, ensureDirectory, removeFiles, renameFiles, writeFile } from './durable-file.ts';
import type { HomePaths } from './home.ts';

const NAME = /^[0-9a-f]{64}\.json$/;

export interface InboxDeps extends DurableDeps {
  readonly paths: Pick<HomePaths, 'inbox'>;
}

export interface InboxFile {
  /** `<64 hex>.json` */
  readonly name: string;
  /** Null when the file cannot be read safely; `problem` says why. */
  readonly bytes: Uint8Array | null;
  readonly problem: RonError | null;
}

export function inboxName(digest: string): string {
  return `${digest.slice('sha256:'.length)}.json`;
}

const refusedDirectory = (paths: InboxDeps['paths']): string => `${paths.inbox}/refused`;

/** Names of the waiting files, sorted; other names are ignored. */
function names(files: Files, paths: InboxDeps['paths']): string[] {
  return files.list(paths.inbox).filter((name) => NAME.test(name));
}

/** The waiting files, at most 1,000. A file of another owner, mode or type is reported, not trusted. */
export function readInbox(deps: Pick<InboxDeps, 'files' | 'paths'>): InboxFile[] {
  const { files, paths } = deps;
  return names(files, paths)
    .slice(0, LIMITS.inboxFiles)
    .flatMap((name): InboxFile[] => {
      try {
        const bytes = files.read(`${paths.inbox}/${name}`, LIMITS.signedFileBytes);
        return bytes === null ? [] : [{ name, bytes, problem: null }];
      } catch (error) {
        if (error instanceof RonError && (error.code === 'UnsafeFile' || error.code === 'TooLarge')) {
          return [{ name, bytes: null, problem: error }];
        }
        throw error;
      }
    });
}

/** Puts a signed file there, durably; one with the same name is replaced (it has the same content, or is a plant). */
export async function putInbox(deps: InboxDeps, digest: string, bytes: Uint8Array): Promise<string> {
  const { files, paths } = deps;
  const name = inboxName(digest);
  ensureDirectory(files, paths.inbox);
  const waiting = names(files, paths);
  if (!waiting.includes(name) && waiting.length >= LIMITS.inboxFiles) {
    throw new RonError('LimitReached', `${LIMITS.inboxFiles} files wait in the inbox`, {
      hint: 'Ingest them first: `ronctl governance ingest`.',
    });
  }
  await writeFile(deps, `${paths.inbox}/${name}`, bytes);
  return name;
}

/** Removes files that are in the ledger now. */
export async function removeFromInbox(
  deps: Pick<InboxDeps, 'files' | 'paths'>,
  done: readonly string[],
): Promise<void> {
  if (done.length === 0) return;
  await removeFiles(
    deps.files,
    done.map((name) => `${deps.paths.inbox}/${name}`),
  );
}

/** Moves refused files aside and drops the oldest beyond 100. */
export async function refuseInbox(deps: Pick<InboxDeps, 'files' | 'paths'>, refused: readonly string[]): Promise<void> {
  if (refused.length === 0) return;
  const { files, paths } = deps;
  const directory = refusedDirectory(paths);
  ensureDirectory(files, directory);
  await renameFiles(
    files,
    refused.map((name) => ({ from: `${paths.inbox}/${name}`, to: `${directory}/${name}` })),
  );
  const kept = files
    .list(directory)
    .map((name) => ({ name, mtimeMs: files.info(`${directory}/${name}`)?.mtimeMs ?? 0 }))
    .sort((a, b) => b.mtimeMs - a.mtimeMs || (a.name < b.name ? -1 : 1));
  await removeFiles(
    files,
    kept.slice(LIMITS.refusedFiles).map(({ name }) => `${directory}/${name}`),
  );
}
