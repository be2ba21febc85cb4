import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { SegmentReport } from '../../src/audit/scan.ts';
import { nodeWorkers } from '../../src/cli/node-workers.ts';
import { runTask } from '../../src/cli/worker.ts';

const directory = mkdtempSync(join(tmpdir(), 'ronctl-workers-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('worker threads', () => {
  test('every segment is scanned once, by whoever is free, and told as soon as it is done', async () => {
    mkdirSync(join(directory, 'segments'));
    for (const n of [0, 1, 2]) writeFileSync(join(directory, `segments/00000${n}.jsonl`), 'line\n'.repeat(n + 1));
    const input = {
      directory,
      segments: [0, 1, 2],
      begun: new Int32Array(new SharedArrayBuffer(4)),
      semantic: false,
      complete: true,
      tiledSize: 0,
      sizes: [],
      checkpoints: [],
      start: 0,
    };
    const workers = nodeWorkers();
    workers.prepare('audit.scan');
    const found: SegmentReport[] = [];
    const scan = () => workers.run('audit.scan', input, (part) => found.push(part as SegmentReport));
    await Promise.all([scan(), scan()]);
    const counts = new Map(found.map(({ number, scan: { count } }) => [number, count]));
    expect(found).toHaveLength(3);
    expect(counts).toEqual(
      new Map([
        [0, 1],
        [1, 2],
        [2, 3],
      ]),
    );
  });

  test('what a task refuses is refused here, with code and message', async () => {
    const input = { directory: 'not absolute' };
    const inline = await runTask('audit.scan', input, () => undefined).catch((thrown: unknown) => thrown as Error);
    const threaded = await nodeWorkers()
      .run('audit.scan', input)
      .catch((thrown: unknown) => thrown as Error);
    expect(inline).toBeInstanceOf(Error);
    expect(threaded).toBeInstanceOf(Error);
    expect((threaded as Error).message).toContain((inline as Error).message.split(':').at(-1)!.trim());
  });

  test('an unknown task is an error, not a hang', async () => {
    await expect(nodeWorkers().run('no such task', null)).rejects.toThrow('no worker task named no such task');
  });
});
