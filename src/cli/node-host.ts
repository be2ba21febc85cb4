// The real Host: this machine. Nothing below cli/ touches node:fs, node:os, node:tty, child processes or the environment.

import { hostname, userInfo } from 'node:os';
import { escapeText } from '../bytes/text.ts';
import { RonError } from '../errors.ts';
import type { Env, Host, Log, Terminal } from '../host.ts';
import { nodeLocks } from './lock.ts';
import { nodeClock, nodeRandom } from './node-clock.ts';
import { nodeFiles } from './node-files.ts';
import { nodeProcesses } from './node-processes.ts';
import { nodeTerminal, type Streams } from './node-terminal.ts';
import { nodeWorkers } from './node-workers.ts';

function nodeEnv(): Env {
  return {
    get: (name) => process.env[name],
    names: () => Object.keys(process.env),
    platform: process.platform,
    arch: process.arch,
    get hostname() {
      return hostname();
    },
    get cpus() {
      return nodeWorkers().parallelism;
    },
    get user() {
      const { uid, username, homedir } = userInfo();
      return { uid, login: username, homeDirectory: process.env['HOME'] ?? homedir };
    },
    get cwd() {
      try {
        return process.cwd();
      } catch (thrown) {
        throw new RonError('NotFound', 'the working directory was removed', {
          hint: 'Change to a directory that exists, then run again.',
          cause: thrown,
        });
      }
    },
    pid: process.pid,
  };
}

function stderrLog(terminal: Pick<Terminal, 'writeStderr'>): Log {
  return {
    notice: (line) => terminal.writeStderr(`${escapeText(line)}\n`),
    warn: (line) => terminal.writeStderr(`warning: ${escapeText(line)}\n`),
  };
}

export function nodeHost(streams?: Streams): Host {
  const clock = nodeClock();
  const files = nodeFiles();
  const terminal = nodeTerminal(streams);
  return {
    clock,
    random: nodeRandom(),
    files,
    locks: nodeLocks(files, clock),
    terminal,
    env: nodeEnv(),
    log: stderrLog(terminal),
    processes: nodeProcesses(),
    workers: nodeWorkers(),
  };
}
