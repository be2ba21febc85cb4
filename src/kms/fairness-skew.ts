// How unevenly the tenants use the service (GOV-44, GOV-72): operations of the busiest tenant over those of the median one,
// within sliding windows. Counts are kept by minute, so a window is exact to a minute. Fewer than two tenants: 1, or 0 when
// idle, so that a single tenant raises no alarm.

const MINUTE_MS = 60_000;

export const SKEW_WINDOWS: Readonly<Record<string, number>> = { '5m': 5, '1h': 60 };
const KEPT_MINUTES = 60;
/** Tenants beyond this are not told apart. */
const MAX_TENANTS = 1000;

export interface FairnessSkew {
  add(tenant: string, by: number, nowMs: number): void;
  /** By name of the window. */
  skew(nowMs: number): Readonly<Record<string, number>>;
}

function median(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

function ratio(totals: readonly number[]): number {
  if (totals.length === 0) return 0;
  if (totals.length === 1) return 1;
  const sorted = [...totals].sort((a, b) => a - b);
  return sorted.at(-1)! / median(sorted);
}

export function createFairnessSkew(): FairnessSkew {
  const minutes = new Map<number, Map<string, number>>();

  function forget(minute: number): void {
    for (const known of minutes.keys()) if (known <= minute - KEPT_MINUTES || known > minute) minutes.delete(known);
  }

  return {
    add(tenant, by, nowMs) {
      const minute = Math.floor(nowMs / MINUTE_MS);
      let counts = minutes.get(minute);
      if (counts === undefined) {
        forget(minute);
        counts = new Map();
        minutes.set(minute, counts);
      }
      const name = counts.has(tenant) || counts.size < MAX_TENANTS ? tenant : 'other';
      counts.set(name, (counts.get(name) ?? 0) + by);
    },
    skew(nowMs) {
      const minute = Math.floor(nowMs / MINUTE_MS);
      const of = (length: number): number => {
        const totals = new Map<string, number>();
        for (const [at, counts] of minutes) {
          if (at <= minute - length || at > minute) continue;
          for (const [tenant, count] of counts) totals.set(tenant, (totals.get(tenant) ?? 0) + count);
        }
        return ratio([...totals.values()]);
      };
      return Object.fromEntries(Object.entries(SKEW_WINDOWS).map(([name, length]) => [name, of(length)]));
    },
  };
}
