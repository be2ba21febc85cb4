// Nearest names for an unknown one: edit distance with adjacent swaps (optimal string alignment), for error messages only.

function distance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1);
      current.push(best);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}

/** Up to `count` of `names`, nearest first (ties in the order given); names that share nothing with `name` are left out. */
export function nearest(name: string, names: readonly string[], count = 3): string[] {
  const wanted = name.slice(0, 64).toLowerCase();
  return names
    .map((one, index) => {
      const candidate = one.toLowerCase();
      const part = wanted.length >= 3 && (candidate.includes(wanted) || wanted.includes(candidate));
      const steps = distance(wanted, candidate);
      return {
        one,
        index,
        steps: part ? Math.min(steps, 1) : steps,
        longest: Math.max(wanted.length, candidate.length),
      };
    })
    .filter((item) => item.steps * 2 <= item.longest)
    .sort((a, b) => a.steps - b.steps || a.index - b.index)
    .slice(0, count)
    .map((item) => item.one);
}
