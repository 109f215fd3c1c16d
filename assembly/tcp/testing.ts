// What the unit tests of TCP call: the two halves of a connection, and pieces of them by themselves.

export { shardOf } from "./shard";
export * from "./testing-congestion";
export * from "./testing-input";
export * from "./testing-output";
export * from "./testing-rtx-queue";
