// A process that takes a lock and holds it until its standard input ends. Argument: the directory. Prints `held` or `busy`.

import { nodeHost } from '../../src/cli/node-host.ts';

const host = nodeHost();
const lock = await host.locks.acquire(process.argv[2]!, Number(process.argv[3] ?? 0));
process.stdout.write(lock === null ? 'busy\n' : 'held\n');
if (lock !== null) {
  process.stdin.resume();
  process.stdin.on('end', () => lock.release());
}
