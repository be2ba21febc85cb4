// Whole processes, timed: wall time and, through /usr/bin/time where it is, the largest resident size; and the Go program
// that computes the same root with golang.org/x/mod/sumdb/tlog.

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Timed {
  readonly seconds: number;
  readonly megabytes: number | null;
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const measured = spawnSync('/usr/bin/time', ['-f', 'rss %M', 'true']).error === undefined;

/** Throws when the program is not there or does not end with 0. */
export function timed(argv: readonly string[], env: Readonly<Record<string, string>>): Timed {
  const all = measured ? ['/usr/bin/time', '-f', 'rss %M', ...argv] : [...argv];
  const begin = performance.now();
  const done = spawnSync(all[0] ?? '', all.slice(1), { env: { ...env }, encoding: 'utf8', maxBuffer: 1e8 });
  const seconds = (performance.now() - begin) / 1000;
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) throw new Error(`${argv.join(' ')}: exit ${done.status}\n${done.stdout}${done.stderr}`);
  const rss = /rss (\d+)/.exec(done.stderr)?.[1];
  return { seconds, megabytes: rss === undefined ? null : Number(rss) / 1024 };
}

const SOURCE = `package main
import ("bufio";"fmt";"os";"golang.org/x/mod/sumdb/tlog")
type store []tlog.Hash
func (s *store) ReadHashes(at []int64) ([]tlog.Hash, error) { out := make([]tlog.Hash, len(at)); for i, n := range at { out[i] = (*s)[n] }; return out, nil }
func main() { var s store; n := int64(0)
for _, name := range os.Args[1:] { f, _ := os.Open(name); in := bufio.NewScanner(f); in.Buffer(make([]byte, 1<<20), 1<<20)
for in.Scan() { hashes, err := tlog.StoredHashes(n, in.Bytes(), &s); if err != nil { panic(err) }; s = append(s, hashes...); n++ } }
root, _ := tlog.TreeHash(n, &s); fmt.Println(n, root) }
`;

/** The argv of the sumdb tlog program over these files; null without Go and golang-golang-x-mod-dev (no module download). */
export function goProgram(directory: string, files: readonly string[]): readonly string[] | null {
  if (spawnSync('go', ['version']).error !== undefined) return null;
  const place = join(directory, 'go');
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'main.go'), SOURCE);
  const built = spawnSync('go', ['build', '-o', 'tlog', 'main.go'], {
    cwd: place,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: directory,
      GO111MODULE: 'off',
      GOPATH: '/usr/share/gocode',
    },
  });
  return built.status === 0 ? [join(place, 'tlog'), ...files] : null;
}
