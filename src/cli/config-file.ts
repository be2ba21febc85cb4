// A configuration file named on the command line, as the operations take it.

import { dirname } from 'node:path';
import { CONFIG_BYTES } from '../config/server-load.ts';
import type { ConfigFile } from '../operations/config/check.ts';
import type { Runtime } from './runtime.ts';

/** Standard input counts paths from the working directory. */
export async function configFile(runtime: Runtime, given: string): Promise<ConfigFile> {
  const text = await runtime.readText(given, CONFIG_BYTES);
  const directory = given === '-' ? runtime.host.env.cwd : dirname(runtime.path(given));
  return { name: given === '-' ? 'stdin' : given, directory, text };
}
