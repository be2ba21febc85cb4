// What `audit witness` says on standard output while it serves: one result when it is ready, one when it has stopped.

export interface WitnessReady {
  readonly mode: 'serve';
  readonly state: 'ready';
  readonly pid: number;
  /** Both prefixes: submission and monitoring. */
  readonly url: string;
  readonly signer: string;
  /** Key name. */
  readonly name: string;
  readonly vkeys: readonly string[];
}

export interface WitnessStopped {
  readonly mode: 'serve';
  readonly state: 'stopped';
  /** The signal, or what failed. */
  readonly why: string;
  /** Answers to add-checkpoint. */
  readonly answered: number;
  readonly cosigned: number;
}
