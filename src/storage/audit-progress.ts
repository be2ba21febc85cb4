// What an interrupted `audit verify` of a large log has done (log page 4.8), in the judging home: trust/verify/<hex SHA-256 of
// audit directory 00 origin>/<n>.json = one report of a whole segment without any finding, and the SHA-256 of every byte that
// it was made from (the segment file and its hash tiles), under a MAC of this session's key. A later run reads these bytes
// again and takes the report over only when the digest is the same and the question is the same: it never skips what changed,
// it only spares the parsing, the tree and the links. Everything else is no report: what was edited, torn or made up, what is
// of another log, of another session or of other rules. Everything is removed when a run ends.
// Attack: an edited segment, and beside it a report of the old one with the digest of the new one. The report says what the
// root is, so no checkpoint and no anchor would speak against it; the MAC does.

import type { SegmentReport } from '../audit/scan.ts';
import { fromBase64, toBase64 } from '../bytes/base64.ts';
import { equalBytes } from '../bytes/equal.ts';
import { concat, u8 } from '../bytes/framing.ts';
import { toHex } from '../bytes/hex.ts';
import { fromUtf8, utf8 } from '../bytes/text.ts';
import { hmacSha256, sha256Hex } from '../crypto/hash.ts';
import { RonError } from '../errors.ts';
import { LIMITS } from '../limits.ts';
import type { ScanRequest } from './audit-scan.ts';
import { type DurableDeps, directoryOf, ensureDirectory, removeFilesNow, writeFile } from './durable-file.ts';

/** A report means the same only while this stands; raised with every change of what the scan accepts. */
const RULES = 2;
const N = LIMITS.auditSegmentRecords;
const CONTEXT = 'ron-audit/verify-progress/v1';
const MAC_HEX = 64;

export interface KeptReport {
  readonly digest: string;
  readonly report: SegmentReport;
}

type Question = Pick<ScanRequest, 'semantic' | 'complete' | 'start' | 'tiledSize' | 'sizes' | 'checkpoints'>;

/** Everything but bytes that a report depends on. */
function questionOf(request: Question, number: number): string {
  const first = number * N;
  const within = (all: readonly number[]): number[] => all.filter((size) => size > first && size <= first + N);
  const { semantic, complete, tiledSize, sizes, checkpoints } = request;
  const tiled = Math.min(N, Math.max(0, tiledSize - first));
  return JSON.stringify([RULES, semantic, complete, tiled, within(sizes), within(checkpoints)]);
}

const encode = (_: string, value: unknown): unknown => {
  if (value instanceof Map) return { map: [...(value as Map<unknown, unknown>)] };
  return value instanceof Uint8Array ? { bytes: toBase64(value) } : value;
};

const decode = (_: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value);
  if (names.length !== 1) return value;
  const inner = (value as { map?: [unknown, unknown][]; bytes?: string })[names[0] as 'map' | 'bytes'];
  if (names[0] === 'map' && Array.isArray(inner)) return new Map(inner);
  return names[0] === 'bytes' && typeof inner === 'string' ? fromBase64(inner) : value;
};

export interface ProgressDeps extends DurableDeps {
  /** trust/verify of the judging home. */
  readonly directory: string;
  /** Of this session (`session-key.ts`). */
  readonly key: Uint8Array;
}

/** Reports of one epoch of one log in one place. */
export class VerifyProgress {
  readonly #deps: ProgressDeps;
  readonly #directory: string;
  readonly #request: Question;

  constructor(deps: ProgressDeps, log: { readonly auditDir: string; readonly origin: string }, request: Question) {
    this.#deps = deps;
    this.#directory = `${deps.directory}/${sha256Hex(concat(utf8(log.auditDir), u8(0), utf8(log.origin)))}`;
    this.#request = request;
  }

  /** Of everything that a report says, and of which log. */
  #mac(body: string): Uint8Array {
    const log = this.#directory.slice(this.#directory.lastIndexOf('/') + 1);
    return hmacSha256(this.#deps.key, utf8([CONTEXT, log, body].join('\n')));
  }

  #path(number: number): string {
    return `${this.#directory}/${number}.json`;
  }

  /** The report of an earlier run to the same question, or null. */
  read(number: number): KeptReport | null {
    const bytes = this.#deps.files.read(this.#path(number), LIMITS.stateFileBytes);
    const text = bytes === null ? null : fromUtf8(bytes);
    if (text === null) return null;
    // MAC of the rest, LF, question, LF, report.
    const body = text.slice(MAC_HEX + 1);
    const [question, report] = body.split('\n');
    if (!equalBytes(utf8(text.slice(0, MAC_HEX)), utf8(toHex(this.#mac(body))))) return null;
    if (question !== questionOf(this.#request, number)) return null;
    try {
      const found = JSON.parse(report!, decode) as SegmentReport;
      return found.number === number && found.digest !== undefined ? { digest: found.digest, report: found } : null;
    } catch (error) {
      if (error instanceof SyntaxError) return null;
      throw error;
    }
  }

  /** Keeps the report of a whole segment in which nothing was found. */
  async keep(report: SegmentReport): Promise<void> {
    const { scan, tiles, digest, resumed } = report;
    const isClean = scan.problemCount === 0 && tiles.length === 0 && scan.count === N && scan.torn === 0;
    const isWhole = scan.first >= this.#request.start;
    if (!isClean || !isWhole || digest === undefined || resumed === true) return;
    const { files } = this.#deps;
    for (const one of [directoryOf(this.#deps.directory), this.#deps.directory, this.#directory]) {
      ensureDirectory(files, one);
    }
    const body = `${questionOf(this.#request, report.number)}\n${JSON.stringify(report, encode)}`;
    await writeFile(this.#deps, this.#path(report.number), utf8(`${toHex(this.#mac(body))}\n${body}`));
  }

  /** Removes everything; called when a run has ended. */
  clear(): void {
    const { files } = this.#deps;
    const names = files.list(this.#directory);
    if (files.info(this.#directory) === null) return;
    try {
      removeFilesNow(
        files,
        names.map((name) => `${this.#directory}/${name}`),
      );
      files.removeDirectory(this.#directory);
    } catch (error) {
      // Another run of the same log may be at work here; what stays is checked before it is believed.
      if (!(error instanceof RonError)) throw error;
    }
  }
}
