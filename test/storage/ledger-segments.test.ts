import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/bytes/text.ts';
import { nodeHost } from '../../src/cli/node-host.ts';
import { LIMITS } from '../../src/limits.ts';
import {
  appendLedgerLines,
  checkLedgerHead,
  cutLedger,
  ledgerLineRef,
  ledgerLines,
  ledgerSegmentPath,
} from '../../src/storage/ledger-segments.ts';
import { temporaryHome } from '../support/store.ts';

const { files } = nodeHost();
const line = (seq: number): Uint8Array => utf8(`{"body":"${'x'.repeat(seq % 7)}","seq":${seq}}`);
const lines = (from: number, to: number): Uint8Array[] =>
  Array.from({ length: to - from }, (_, index) => line(from + index));

async function ledger(size: number) {
  const home = temporaryHome();
  mkdirSync(home);
  const directory = `${home}/ledger`;
  const end = await appendLedgerLines(files, directory, { size: 0, segmentBytes: 0 }, lines(0, size));
  return { directory, end, head: ledgerLineRef(line(size - 1)) };
}

const read = (directory: string, from: number, size: number): string[] =>
  [...ledgerLines(files, directory, from, size)].map((one) => Buffer.from(one).toString());

describe('ledger segments', () => {
  const full = LIMITS.ledgerSegmentLines;

  it.each([1, full - 1, full, full + 1, 2 * full + 3])('%i lines come back, from any place', async (size) => {
    const { directory, end, head } = await ledger(size);
    expect(end.size).toBe(size);
    expect(read(directory, 0, size)).toHaveLength(size);
    expect(read(directory, size - 1, size)).toEqual([Buffer.from(line(size - 1)).toString()]);
    expect(checkLedgerHead(files, directory, head)).toEqual(end);
    expect(await cutLedger(files, directory, end)).toBe(0);
  });

  it('lines behind the committed head are cut, over a segment border too', async () => {
    const { directory } = await ledger(full - 1);
    const committed = checkLedgerHead(files, directory, ledgerLineRef(line(full - 2)));
    await appendLedgerLines(files, directory, committed, lines(full - 1, full + 5));
    appendFileSync(ledgerSegmentPath(directory, 1), '{"torn');
    expect(await cutLedger(files, directory, committed)).toBeGreaterThan(0);
    expect(readFileSync(ledgerSegmentPath(directory, 1)).length).toBe(0);
    expect(checkLedgerHead(files, directory, ledgerLineRef(line(full - 2)))).toEqual(committed);
    const again = await appendLedgerLines(files, directory, committed, lines(full - 1, full + 1));
    expect(again.size).toBe(full + 1);
    expect(read(directory, full - 1, full + 1)).toHaveLength(2);
  });

  it('a ledger shorter than its committed head is Tampered', async () => {
    const { directory, head } = await ledger(5);
    truncateSync(ledgerSegmentPath(directory, 0), 40);
    expect(() => checkLedgerHead(files, directory, head)).toThrow(
      expect.objectContaining({
        code: 'Tampered',
        field: 'ledger',
        message: expect.stringContaining('ends before line 4'),
      }),
    );
    expect(() => read(directory, 0, 5)).toThrow(/5 lines were committed/);
  });

  it('another line at the committed head is Tampered', async () => {
    const { directory, head } = await ledger(5);
    const path = ledgerSegmentPath(directory, 0);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"seq":4', '"seq":9'));
    expect(() => checkLedgerHead(files, directory, head)).toThrow(/not the one that was committed/);
  });

  it('an empty ledger has no head', async () => {
    const home = temporaryHome();
    expect(checkLedgerHead(files, `${home}/ledger`, null)).toEqual({ size: 0, segmentBytes: 0 });
    expect(await cutLedger(files, `${home}/ledger`, { size: 0, segmentBytes: 0 })).toBe(0);
  });
});
