// The installed files against dist/files.sha256, which was packed with them (I-46): lines `<64 hex>  <path>`, sorted, and
// the digests of the four runtimes as `runtime/<package>/bin/node`. Whoever can change a file can change this list too: the
// digest of the list, read out in 12 words, is what two people compare.

import { toHex } from '../bytes/hex.ts';
import { fromUtf8 } from '../bytes/text.ts';
import { sha256, sha256Hex } from '../crypto/hash.ts';
import { fingerprintWords } from '../envelope/fingerprint.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';

const LIST = 'dist/files.sha256';
const LIST_BYTES = 4 * 1024 * 1024;
/** The runtime has about 120 MiB. */
const FILE_BYTES = 256 * 1024 * 1024;
const RUNTIME = 'runtime/';

export interface PackageCheckRequest {
  readonly packageRoot: string;
  /** The runtime that executes this. */
  readonly runtimePath: string;
}

export interface PackageCheck {
  /** `unlisted-runtime`: the files are intact, but a runtime executes them that the package does not know. */
  readonly verdict: 'intact' | 'changed' | 'unlisted-runtime';
  /** `sha256:<hex>` of the list. */
  readonly digest: string;
  readonly words: readonly string[];
  readonly files: number;
  readonly changed: readonly string[];
  readonly missing: readonly string[];
  /** Below dist/ and not on the list. */
  readonly unlisted: readonly string[];
  readonly runtime: { readonly path: string; readonly sha256: string; readonly listed_as: string | null };
}

function* filesBelow(files: Files, directory: string, path: string): Generator<string> {
  for (const name of files.list(`${directory}/${path}`)) {
    const inner = `${path}/${name}`;
    if (files.info(`${directory}/${inner}`)?.type === 'directory') yield* filesBelow(files, directory, inner);
    else yield inner;
  }
}

function readList(
  files: Files,
  packageRoot: string,
): { readonly bytes: Uint8Array; readonly rows: Map<string, string> } {
  const bytes = files.read(`${packageRoot}/${LIST}`, LIST_BYTES);
  if (bytes === null) {
    throw new RonError('Inconclusive', `${packageRoot}/${LIST} is missing: there is nothing to compare with`, {
      hint: 'Install the package again, or run `npm run build` in a clone.',
    });
  }
  const rows = new Map<string, string>();
  for (const line of (fromUtf8(bytes) ?? '').split('\n').filter((one) => one !== '')) {
    const match = /^([0-9a-f]{64}) {2}([^/].*)$/.exec(line);
    if (match === null || match[2]!.split('/').includes('..')) {
      throw new RonError('VerificationFailed', `${LIST} has a line that is no digest and path`, { field: LIST });
    }
    rows.set(match[2]!, match[1]!);
  }
  return { bytes, rows };
}

/** Compares every file. Throws only when there is no list, or it is malformed. */
export function checkPackage(files: Files, { packageRoot, runtimePath }: PackageCheckRequest): PackageCheck {
  const { bytes, rows } = readList(files, packageRoot);
  const own = [...rows].filter(([path]) => !path.startsWith(RUNTIME));
  const changed: string[] = [];
  const missing: string[] = [];
  for (const [path, digest] of own) {
    const content = files.read(`${packageRoot}/${path}`, FILE_BYTES);
    if (content === null) missing.push(path);
    else if (sha256Hex(content) !== digest) changed.push(path);
  }
  const unlisted = [...filesBelow(files, packageRoot, 'dist')].filter((path) => path !== LIST && !rows.has(path));
  const runtime = sha256Hex(files.read(files.realPath(runtimePath), FILE_BYTES) ?? new Uint8Array(0));
  const listedAs = [...rows].find(([path, digest]) => path.startsWith(RUNTIME) && digest === runtime)?.[0] ?? null;
  const digest = `sha256:${toHex(sha256(bytes))}`;
  const intact = changed.length + missing.length + unlisted.length === 0;
  return {
    verdict: !intact ? 'changed' : listedAs === null ? 'unlisted-runtime' : 'intact',
    digest,
    words: fingerprintWords(digest),
    files: own.length,
    changed,
    missing,
    unlisted,
    runtime: { path: runtimePath, sha256: runtime, listed_as: listedAs?.slice(RUNTIME.length) ?? null },
  };
}

/** The error of a negative verdict. */
export function packageError(check: PackageCheck): RonError | undefined {
  if (check.verdict === 'intact') return undefined;
  if (check.verdict === 'unlisted-runtime') {
    return new RonError('Inconclusive', `the runtime ${check.runtime.path} is not one that the package was made for`, {
      hint: 'Install ronctl with its optional dependencies, which carry the runtime.',
    });
  }
  const first = [...check.changed, ...check.missing, ...check.unlisted][0]!;
  const count = check.changed.length + check.missing.length + check.unlisted.length;
  return new RonError('VerificationFailed', `${count} of the installed files differ from the package, first ${first}`, {
    field: first,
    hint: 'Do not use this installation; install the package again from a source you trust.',
  });
}
