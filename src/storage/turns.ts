// Turns of the one writer: mutations of the store run alone, plain appends run side by side (the log batches them) but
// never beside a mutation, so that a mutation knows the sequence number of its commit record before it is written.

const settled = (): void => undefined;

export class Turns {
  /** Settles when the last exclusive turn is over. */
  #gate: Promise<void> = Promise.resolve();
  readonly #shared = new Set<Promise<unknown>>();

  shared<T>(act: () => Promise<T>): Promise<T> {
    const run = this.#gate.then(act);
    const tracked = run.then(settled, settled);
    this.#shared.add(tracked);
    void tracked.then(() => this.#shared.delete(tracked));
    return run;
  }

  exclusive<T>(act: () => Promise<T>): Promise<T> {
    const run = Promise.all([this.#gate, ...this.#shared]).then(act);
    this.#gate = run.then(settled, settled);
    return run;
  }
}
