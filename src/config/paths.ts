// Absolute paths of what configuration names, without a module of the runtime: `.` and `..` are folded, nothing is read.

/** `given` as an absolute path; a relative one counts from the absolute path `base`. */
export function absolutePath(base: string, given: string): string {
  const parts: string[] = [];
  for (const part of (given.startsWith('/') ? given : `${base}/${given}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export function directoryOf(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut <= 0 ? '/' : path.slice(0, cut);
}
