// Runs a ronctl command from dist in this process and writes what it connected, looked up or listened on, one line each, into
// the file that RONCTL_NETWORK names. The start checks of cli/main.ts are left out: this is a preloaded hook.

import dgram from 'node:dgram';
import dns from 'node:dns';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';

const file = process.env['RONCTL_NETWORK']!;
writeFileSync(file, '');

/** Notes each call of a method, then lets it happen. */
function watch(of: object, name: string, what: string): void {
  const methods = of as Record<string, (...given: unknown[]) => unknown>;
  const own = methods[name]!;
  methods[name] = function watched(this: unknown, ...given: unknown[]) {
    appendFileSync(file, `${what} ${JSON.stringify(given[0])}\n`);
    return own.apply(this, given);
  };
}

watch(net.Socket.prototype, 'connect', 'connect');
watch(net.Server.prototype, 'listen', 'listen');
watch(dgram, 'createSocket', 'datagram');
watch(dns, 'lookup', 'lookup');
watch(globalThis, 'fetch', 'fetch');

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const manifest: unknown = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
const { start } = (await import(`${root}/dist/cli/start.js`)) as {
  start: (argv: string[], options: object) => Promise<void>;
};
await start(process.argv.slice(2), { root, manifest, development: false });
