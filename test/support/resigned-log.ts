// Writes the records of a home's log again with right numbers, links, counters, tiles and signatures under its own log keys: what
// somebody can do who holds the store and its passphrase. `audit verify` finds nothing in it; what is left out or added is
// for `audit reconcile` to find.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { signCheckpoint } from '../../src/audit/checkpoint.ts';
import { countersDigest, countersFile, kidWithoutVersion } from '../../src/audit/counters.ts';
import { leafHash, NO_PREVIOUS } from '../../src/audit/leaf.ts';
import { AUDIT_OPS, isKnownOp } from '../../src/audit/ops.ts';
import { tilePath } from '../../src/audit/tile.ts';
import { Frontier } from '../../src/audit/tree.ts';
import { canonicalText, type JsonObject } from '../../src/bytes/canonical-json.ts';
import { toHex } from '../../src/bytes/hex.ts';
import { utf8 } from '../../src/bytes/text.ts';
import { checkpointLine } from '../../src/storage/audit-notes.ts';
import { TileBuilder } from '../../src/storage/audit-tiles.ts';
import { importLogKeys } from '../../src/storage/custody-keys.ts';
import { openCustodyStore } from '../../src/storage/custody-open.ts';
import { testCrypto } from './crypto.ts';
import type { TestDeps } from './store.ts';

export type LogRecord = JsonObject & { readonly op: string };

const segment = (home: string): string => join(home, 'audit/e0/segments/000000.jsonl');

export function recordsOf(home: string): LogRecord[] {
  return readFileSync(segment(home), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as LogRecord);
}

/** `renumber` false: numbers, counters and generations stay as the records say. */
export async function resignLog(
  home: string,
  deps: TestDeps,
  change: (records: LogRecord[]) => readonly JsonObject[],
  renumber = true,
): Promise<void> {
  const store = await openCustodyStore(deps, { dryRun: true });
  const { origin } = store;
  const { current } = await importLogKeys(testCrypto(), await store.read('log-keys'));
  const { signedAtMs } = store.newestCheckpoint();
  await store.close();
  const changed = change(recordsOf(home));
  const records = renumber ? renumbered(changed, join(home, 'audit/e0/counters.json')) : changed;
  const frontier = new Frontier();
  const tiles = TileBuilder.empty();
  let prev = NO_PREVIOUS;
  const lines = records.map((record) => {
    const line = canonicalText({ ...record, prev });
    const leaf = leafHash(utf8(line));
    frontier.append(leaf);
    tiles.append(leaf);
    prev = toHex(leaf);
    return line;
  });
  writeFileSync(segment(home), lines.map((line) => `${line}\n`).join(''));
  for (const name of ['tile', 'index', 'hints.json']) {
    rmSync(join(home, 'audit/e0', name), { recursive: true, force: true });
  }
  rmSync(join(home, 'trust/logs'), { recursive: true, force: true });
  for (const { tile, bytes } of tiles.take()) {
    const path = join(home, 'audit/e0', tilePath(tile));
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, bytes, { mode: 0o600 });
  }
  const body = { origin, size: frontier.size, root: frontier.root() };
  const note = await signCheckpoint(body, Math.floor(signedAtMs / 1000), [current]);
  writeFileSync(join(home, 'audit/e0/checkpoint'), note);
  writeFileSync(join(home, 'audit/e0/checkpoints.jsonl'), checkpointLine(frontier.size, note));
}

function renumbered(records: readonly JsonObject[], countersPath: string): JsonObject[] {
  const kids = new Map<string, number>();
  let generation = 0;
  let state = -1;
  return records.map((record, seq) => {
    const { op, kid: versioned } = record as LogRecord & { readonly kid?: string };
    const kid = versioned === undefined ? null : kidWithoutVersion(versioned);
    const next: Record<string, JsonObject[string]> = { ...record, seq };
    if (kid !== null) kids.set(kid, (kids.get(kid) ?? 0) + 1);
    if (kid !== null) next['kid_seq'] = kids.get(kid)!;
    if (isKnownOp(op) && AUDIT_OPS[op].mutation) generation += 1;
    if (record['generation'] !== undefined) next['generation'] = generation;
    const detail = record['detail'] as JsonObject | undefined;
    if (op === 'state') {
      state = seq;
      const file = countersFile(kids);
      writeFileSync(countersPath, file);
      next['detail'] = { ...detail, generation, counters: countersDigest(file) };
    }
    if (op === 'manifest') next['detail'] = { ...detail, state_seq: state };
    return next;
  });
}
