import { describe, expect, it } from 'vitest';
import { nodeHost } from '../../src/cli/node-host.ts';
import { notifySystemd } from '../../src/cli/notify.ts';
import { RonError } from '../../src/errors.ts';
import type { Processes } from '../../src/host.ts';

const { env } = nodeHost();

function told(socket: string | undefined, exitCode: number | null) {
  const calls: { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> }[] = [];
  const processes: Processes = {
    run: async (argv, options) => {
      calls.push({ argv, env: options.env });
      if (exitCode === null) throw new RonError('NotFound', 'cannot start systemd-notify');
      return { exitCode, stdout: new Uint8Array(0), stderr: new Uint8Array(0), durationMs: 1 };
    },
  };
  return {
    calls,
    host: { env: { ...env, get: (name: string) => (name === 'NOTIFY_SOCKET' ? socket : 'x') }, processes },
  };
}

describe('systemd', () => {
  it('is told by argv, with the one variable that it needs', async () => {
    const { calls, host } = told('/run/systemd/notify', 0);
    expect(await notifySystemd(host, 'READY=1')).toBeNull();
    expect(calls).toEqual([
      { argv: ['systemd-notify', `--pid=${env.pid}`, 'READY=1'], env: { NOTIFY_SOCKET: '/run/systemd/notify' } },
    ]);
  });

  it.each([undefined, ''])('is not told where nobody listens (%s)', async (socket) => {
    const { calls, host } = told(socket, 0);
    expect(await notifySystemd(host, 'READY=1')).toBeNull();
    expect(calls).toEqual([]);
  });

  it('that cannot be told is a warning', async () => {
    expect(await notifySystemd(told('/x', 1).host, 'STOPPING=1')).toBe('systemd-notify STOPPING=1 ended with 1');
    expect(await notifySystemd(told('/x', null).host, 'READY=1')).toBe('cannot start systemd-notify');
  });
});
