/// <reference types="node" />
import { EventEmitter } from 'node:events';
import type { Election, InterrexError } from '../index.js';

export interface Options {
  /** A server, by host (default `localhost`) and port (default 6379), or by URL. */
  redis: {
    host?: string;
    port?: number;
    url?: string;
    username?: string;
    password?: string;
    db?: number;
  };
  /** Candidates of one kind, on one server, elect one leader. Default: the empty one. */
  kind?: string;
  /** What this instance says of itself: anything JSON carries, up to 4 KiB. */
  meta?: any;
  /** False: take part without ever leading, while instances of node-raft-redis still run. Default true. */
  candidate?: boolean;
}

export type State = 'candidate' | 'leader' | 'follower';

export interface Instance {
  id: string;
  state: State;
  meta: any;
}

export interface Received {
  message: any;
  /** The id of the instance that sent it. */
  from: string;
}

export interface CandidateEvents {
  elected: [];
  /** The new leader, where one is known already. */
  defeated: [leaderId: string | undefined];
  statechange: [state: State];
  message: [received: Received];
  'message:from:leader': [received: Received];
  'message:from:follower': [received: Received];
  error: [error: InterrexError];
}

/** What the package `node-raft-redis` offers under this name, over an election of protocol `quorum`. */
export class Candidate extends EventEmitter<CandidateEvents> {
  constructor(options: Options);

  /** Resolves when the first role is known: this instance leads, or knows who does. */
  start(): Promise<void>;
  /** Gives up leadership and leaves. `start()` begins anew, with another `id`. */
  stop(): Promise<void>;
  /** If this instance leads: gives leadership up. It may be elected again. */
  reelect(): Promise<void>;
  /** The same as {@link reelect}. */
  stepdown(): Promise<void>;

  /** To the followers, without this instance. At most once; that nobody was there is no error. */
  messageFollowers(message: any): Promise<void>;
  messageLeader(message: any): Promise<void>;
  messageTo(to: string, message: any): Promise<void>;
  messageAll(message: any): Promise<void>;

  /** All instances of this kind, this one included. */
  getInstances(): Promise<Instance[]>;
  getLeader(): Promise<Instance | undefined>;
  setMeta(meta: any): Promise<void>;
  getMeta(): any;

  /** 32 hex digits, new at every start; empty before the first. */
  get id(): string;
  /** Never `leader` where this instance no longer leads, whatever events are still under way. */
  get state(): State;
  /** The term of the leadership known here; 0 if none is. */
  get currentTerm(): number;
  get meta(): any;
  /** The election underneath: fencing tokens, reasons for a loss, metrics. */
  get election(): Election<any, any, any>;
}

export default Candidate;
