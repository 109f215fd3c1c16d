// The one "there is none" of the storage structures, for indices and ids alike.

export const NONE: u32 = 0xffffffff;
