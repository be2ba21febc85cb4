// Fair share of one kind of work among tenants (GAP-71, CON-03, CON-09, CON-14): what may not run yet waits in a queue per
// tenant, and the queues are served in turn, one each. Places are bounded; a tenant is always sure of its floor,
// min(share, 1/active tenants) of them, and idle places are lent. When all are taken, whoever is above the floor is refused, and
// for a tenant below it the newest waiting work of the tenant with the most places gives way. Refuses with Busy, never grows.

import { RonError } from '../errors.ts';
import { ConcurrencyWindow, type WindowBounds } from './concurrency-window.ts';

export interface GateLimits {
  /** Running and waiting together. */
  readonly places: number;
  /** Waiting. */
  readonly queue: number;
  /** Thousandths of the places that each tenant is sure of. */
  readonly sharePermille: number;
}

export interface GateOptions {
  /** As the busy refusal and the metrics name it. */
  readonly name: string;
  /** Asked anew each time: a reload changes them. */
  limits(): GateLimits;
  monotonicMs(): number;
  readonly window: WindowBounds;
}

interface Waiter {
  start(): void;
  refuse(error: RonError): void;
}

interface Tenant {
  running: number;
  readonly waiting: Waiter[];
}

const FRESH_IN_A_ROW = 2;

const busy = (name: string): RonError => new RonError('Busy', `too much ${name} work is waiting; try again later`);

export class FairGate {
  readonly #options: GateOptions;
  readonly #window: ConcurrencyWindow;
  readonly #tenants = new Map<string, Tenant>();
  /** Tenants with waiting work, in the order of their turn; those that had nothing here before it came go first. */
  readonly #fresh: string[] = [];
  readonly #turns: string[] = [];
  #freshInARow = 0;
  #running = 0;
  #waiting = 0;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#window = new ConcurrencyWindow(options.window);
  }

  /** Running and waiting. */
  get depth(): number {
    return this.#running + this.#waiting;
  }

  get running(): number {
    return this.#running;
  }

  /** At a time; half of the places always belong to those who wait, who can give way. */
  #atOnce(): number {
    return Math.max(1, Math.min(this.#window.limit, Math.floor(this.#options.limits().places / 2)));
  }

  /** Resolves, when the turn comes, with what gives the place back. Rejects with Busy, or Interrupted when the caller goes. */
  enter(name: string, signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted === true) return Promise.reject(gone());
    const tenant = this.#tenants.get(name) ?? { running: 0, waiting: [] };
    this.#tenants.set(name, tenant);
    if (this.#waiting === 0 && this.#running < this.#atOnce()) {
      return Promise.resolve(this.#start(name, tenant));
    }
    try {
      this.#makeRoom(name, tenant);
    } catch (error) {
      this.#forget(name, tenant);
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => this.#wait(name, tenant, signal, { resolve, reject }));
  }

  #wait(
    name: string,
    tenant: Tenant,
    signal: AbortSignal | undefined,
    { resolve, reject }: { resolve: (release: () => void) => void; reject: (error: RonError) => void },
  ): void {
    const left = (): void => {
      this.#remove(name, tenant, waiter);
      reject(gone());
    };
    const waiter: Waiter = {
      start: () => {
        signal?.removeEventListener('abort', left);
        resolve(this.#start(name, tenant));
      },
      refuse: (error) => {
        signal?.removeEventListener('abort', left);
        reject(error);
      },
    };
    signal?.addEventListener('abort', left, { once: true });
    if (tenant.waiting.length === 0) (tenant.running === 0 ? this.#fresh : this.#turns).push(name);
    tenant.waiting.push(waiter);
    this.#waiting += 1;
    this.#serve();
  }

  #start(name: string, tenant: Tenant): () => void {
    tenant.running += 1;
    this.#running += 1;
    let given = true;
    return () => {
      if (!given) return;
      given = false;
      tenant.running -= 1;
      this.#running -= 1;
      if (this.#waiting > 0) this.#window.ended(this.#options.monotonicMs());
      else this.#window.calm();
      this.#forget(name, tenant);
      this.#serve();
    };
  }

  #serve(): void {
    while (this.#waiting > 0 && this.#running < this.#atOnce()) {
      const name = this.#nextTurn();
      const tenant = this.#tenants.get(name)!;
      const waiter = tenant.waiting.shift()!;
      this.#waiting -= 1;
      if (tenant.waiting.length > 0) this.#turns.push(name);
      waiter.start();
    }
  }

  /** Of three, two may be fresh: whoever asks little does not wait behind a long queue, and the long queue goes on. */
  #nextTurn(): string {
    const takeFresh = this.#fresh.length > 0 && (this.#turns.length === 0 || this.#freshInARow < FRESH_IN_A_ROW);
    this.#freshInARow = takeFresh ? this.#freshInARow + 1 : 0;
    return (takeFresh ? this.#fresh : this.#turns).shift()!;
  }

  #remove(name: string, tenant: Tenant, waiter: Waiter): void {
    const at = tenant.waiting.indexOf(waiter);
    if (at < 0) return;
    tenant.waiting.splice(at, 1);
    this.#waiting -= 1;
    if (tenant.waiting.length === 0) {
      const turns = this.#fresh.includes(name) ? this.#fresh : this.#turns;
      turns.splice(turns.indexOf(name), 1);
    }
    this.#forget(name, tenant);
  }

  #forget(name: string, tenant: Tenant): void {
    if (tenant.running === 0 && tenant.waiting.length === 0) this.#tenants.delete(name);
  }

  #floor({ places, sharePermille }: GateLimits): number {
    return Math.max(1, Math.floor(Math.min((places * sharePermille) / 1000, places / this.#tenants.size)));
  }

  /** Throws Busy for whoever is not to wait. */
  #makeRoom(name: string, tenant: Tenant): void {
    const limits = this.#options.limits();
    if (this.depth < limits.places && this.#waiting < limits.queue) return;
    const floor = this.#floor(limits);
    if (placesOf(tenant) >= floor) throw busy(this.#options.name);
    const greedy = this.#greediest(name, floor);
    if (greedy === null) throw busy(this.#options.name);
    const [other, victim] = greedy;
    const last = victim.waiting.at(-1)!;
    this.#remove(other, victim, last);
    last.refuse(busy(this.#options.name));
  }

  /** The other tenant with the most places among those above the floor with waiting work. */
  #greediest(name: string, floor: number): readonly [string, Tenant] | null {
    let found: readonly [string, Tenant] | null = null;
    for (const [other, tenant] of this.#tenants) {
      if (other === name || tenant.waiting.length === 0 || placesOf(tenant) <= floor) continue;
      if (found === null || placesOf(tenant) > placesOf(found[1])) found = [other, tenant];
    }
    return found;
  }
}

const placesOf = (tenant: Tenant): number => tenant.running + tenant.waiting.length;

const gone = (): RonError => new RonError('Interrupted', 'the caller went away before its turn');
