// What the unit tests of TCP call, by half.
export * from "./testing-input";
export * from "./testing-output";
