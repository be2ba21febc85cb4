// `inspect FILE` (I-49): explains one artefact from its bytes. Reads at most 1 MiB; segments of any length are streamed.
// Needs no home, no passphrase and no network, and decides nothing: it says what is in the file and what it could not check.

import { type Artefact, type ArtefactVerdict, type KnownKey, verdictOf } from '../artefact/artefact.ts';
import type { SegmentReader } from '../artefact/lines.ts';
import { keysFromFile, recognise } from '../artefact/recognise.ts';
import { openSegment } from '../artefact/segment.ts';
import { within } from '../bytes/decode.ts';
import { sha256Hex } from '../crypto/hash.ts';
import type { Crypto } from '../crypto/provider.ts';
import { RonError } from '../errors.ts';
import type { Files } from '../host.ts';
import { LIMITS } from '../limits.ts';
import { segmentLines, withFile } from '../storage/audit-segment.ts';
import type { OperationDeps } from './deps.ts';

export interface InspectSource {
  /** As the user wrote it. */
  readonly name: string;
  /** Absolute path; null when the bytes came from standard input. */
  readonly path: string | null;
  readonly stdin: Uint8Array | null;
}

export interface InspectRequest {
  readonly source: InspectSource;
  /** Files that name public keys (genesis, bundle, request, key object, audit/log.json), already read. */
  readonly keyFiles: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

export interface InspectResult extends Artefact {
  readonly file: string;
  readonly size_bytes: number;
  /** Of the whole file; null for a segment, which is streamed. */
  readonly sha256: string | null;
  readonly verdict: ArtefactVerdict;
}

const LF = 0x0a;

function notOurs(name: string): RonError {
  return new RonError('Malformed', `${name} is no file that ronctl recognises`, {
    hint: '`ronctl inspect --help` lists what is recognised.',
  });
}

/** Feeds the lines of a file to a reader; null when the first one begins no segment. */
function streamLines(
  files: Files,
  path: string,
  open: (first: Uint8Array) => SegmentReader | null,
  onProgress: OperationDeps['onProgress'],
): Artefact | null {
  return withFile(files, path, (file) => {
    if (file === null) return null;
    const total = file.info().sizeBytes;
    let reader: SegmentReader | null = null;
    let reported = 0;
    for (const { line, offset, complete } of segmentLines(file)) {
      if (!complete) return reader === null ? null : reader.end(total - offset);
      reader ??= open(line);
      if (reader === null) return null;
      reader.push(line);
      if (offset - reported >= LIMITS.inspectBytes) {
        reported = offset;
        onProgress({ phase: 'inspect', done: offset, total, unit: 'bytes' });
      }
    }
    return reader === null ? null : reader.end(0);
  });
}

function linesOf(bytes: Uint8Array, open: (first: Uint8Array) => SegmentReader | null): Artefact | null {
  const firstEnd = bytes.indexOf(LF);
  if (firstEnd < 0) return null;
  const reader = open(bytes.subarray(0, firstEnd));
  if (reader === null) return null;
  let from = 0;
  for (let end = firstEnd; end >= 0; end = bytes.indexOf(LF, from)) {
    reader.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return reader.end(bytes.length - from);
}

function explain(
  crypto: Crypto,
  request: InspectRequest,
  deps: Pick<OperationDeps, 'host' | 'onProgress'>,
): InspectResult {
  const { name, path, stdin } = request.source;
  const keys: KnownKey[] = request.keyFiles.flatMap((one) => keysFromFile(crypto, one.bytes, one.name));
  const open = (first: Uint8Array): SegmentReader | null => openSegment(crypto, first, keys);
  const whole = (bytes: Uint8Array): InspectResult => {
    const artefact = linesOf(bytes, open) ?? within(name, () => recognise(crypto, bytes, keys, name));
    if (artefact === null) throw notOurs(name);
    return {
      ...artefact,
      file: name,
      size_bytes: bytes.length,
      sha256: sha256Hex(bytes),
      verdict: verdictOf(artefact),
    };
  };
  if (stdin !== null || path === null) return whole(stdin ?? new Uint8Array(0));
  const info = deps.host.files.info(path);
  if (info === null) throw new RonError('NotFound', `there is no file ${name}`, { hint: 'Check the path.' });
  if (info.type !== 'file')
    throw new RonError('InvalidValue', `${name} is a ${info.type}, not a file`, {
      hint: 'Name one file; `ronctl audit verify DIR` reads a directory.',
    });
  if (info.sizeBytes <= LIMITS.inspectBytes) {
    return whole(deps.host.files.read(path, LIMITS.inspectBytes) ?? new Uint8Array(0));
  }
  const segment = streamLines(deps.host.files, path, open, deps.onProgress);
  if (segment === null) {
    throw new RonError(
      'TooLarge',
      `${name} has ${info.sizeBytes} bytes and is no segment; ${LIMITS.inspectBytes} are read`,
    );
  }
  return { ...segment, file: name, size_bytes: info.sizeBytes, sha256: null, verdict: verdictOf(segment) };
}

/** Malformed (3) for a file that is not ours, or is ours but broken. */
export async function inspect(
  request: InspectRequest,
  deps: Pick<OperationDeps, 'host' | 'crypto' | 'onProgress'>,
): Promise<InspectResult> {
  return explain(await deps.crypto(), request, deps);
}
