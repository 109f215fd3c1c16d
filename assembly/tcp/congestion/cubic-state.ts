// What CUBIC and its slow start remember of a connection: 64 bytes in the TCB, zero at the start. Decides nothing.

@unmanaged
@final
export class CubicState {
  acked: u32; // segments acknowledged towards the next step
  every: u32; // segments acknowledged that make a step
  lastMaxCwnd: u32; // W_max: the window at the last congestion, or less by fast convergence; 0 = none yet
  lastCwnd: u32; // `every` was computed for this window
  lastTimeMs: u32; // and at this time
  epochMs: u32; // start of this congestion avoidance, 0 = it has not begun
  originPoint: u32; // where the curve is flat
  k: u32; // from epochMs to there, 1/1024 s
  epochAcked: u32; // segments acknowledged towards the next step of renoCwnd
  renoCwnd: u32; // W_est: the window Reno would have by now
  delayMinUs: u32; // smallest round trip of the connection, 0 = none
  // slow start (hystart.ts)
  roundEnd: u32; // SND.NXT when this round began
  roundStartUs: u32; // HyStart: when it began. HyStart++: smallest round trip of the round before it, 0 = none
  lastAckUs: u32; // HyStart: last ACK of the train. HyStart++: the round trip with which conservative slow start began, 0 = none
  roundRttUs: u32; // smallest round trip of this round, U32.MAX_VALUE = none
  samples: u8; // round trips measured in this round, up to those needed
  found: u8; // 1: the end of slow start was found
  cssRounds: u8; // HyStart++: rounds of conservative slow start so far, 0 = not in it
  cssAcked: u8; // HyStart++: segments acknowledged towards the next step there

  static at(ptr: usize): CubicState {
    return changetype<CubicState>(ptr);
  }
}

if (offsetof<CubicState>() !== 64) ERROR("CubicState does not fill the state in the TCB");
