// Runs a ronctl command from dist in this process and writes the modules that it loaded, one URL per line, into the file
// that RONCTL_LOADED names. The start checks of cli/main.ts are left out: this is a preloaded hook.

import { readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    loaded.add(url);
    return next(url, context);
  },
});
process.on('exit', () => writeFileSync(process.env['RONCTL_LOADED']!, [...loaded].join('\n')));

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const manifest: unknown = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
const { start } = (await import(`${root}/dist/cli/start.js`)) as {
  start: (argv: string[], options: object) => Promise<void>;
};
await start(process.argv.slice(2), { root, manifest, development: false });
