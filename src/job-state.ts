// What the jobs of both halves of a connection (send-side.ts, receive-side.ts) say of themselves.

/** It is over, waits for the peer, or is under way elsewhere and says itself when it can go on. */
export type JobState = "done" | "blocked" | "busy";
