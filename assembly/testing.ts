// The testing build: the production exports and the internals that unit tests call, with assertions on. Each area says in its own
// testing.ts what it shows.
export * from "./icmp/testing";
export * from "./iface/testing";
export * from "./index";
export * from "./storage/testing";
export * from "./tcp/testing";
export * from "./wire/testing";
