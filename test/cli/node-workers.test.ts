import { describe, expect, test } from 'vitest';
import { nodeWorkers } from '../../src/cli/node-workers.ts';
import { runTask } from '../../src/cli/worker.ts';

describe('worker threads', () => {
  test('what a task refuses is refused here, with code and message', async () => {
    const input = { directory: 'not absolute' };
    const inline = await runTask('audit.scan', input).catch((thrown: unknown) => thrown as Error);
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
