// Asks for secrets with the real terminal reader, as often as its argument says, and prints each as hex; `stopped CODE`
// when the reader refuses.

import { nodeTerminal } from '../../src/cli/node-terminal.ts';
import { RonError } from '../../src/errors.ts';

const terminal = nodeTerminal();
try {
  for (let left = Number(process.argv[2] ?? 1); left > 0; left--) {
    const secret = await terminal.readSecret('secret: ');
    terminal.writeStdout(`got ${Buffer.from(secret).toString('hex')}\n`);
  }
} catch (thrown) {
  if (!(thrown instanceof RonError)) throw thrown;
  terminal.writeStdout(`stopped ${thrown.code}\n`);
}
