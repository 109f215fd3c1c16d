// The descriptor of a link whose frames are captured. The file is written by the stack's worker (capture-writer.ts).
import { resolve } from "node:path";
import { invalidType, invalidValue } from "../errors.ts";
import { checkLink } from "./emulated.ts";
import type { CaptureLink, Link } from "./link.ts";

/**
 * A link whose frames, both ways, are written to a pcapng file that Wireshark opens. Around an emulated link it sees what the stack
 * sends; inside of one it sees what is left of it.
 * @param link - the link that is captured
 * @param path - created or emptied when the stack starts; relative to the working directory of now
 * @throws TypeError (`ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`)
 */
export function captureLink(link: Link, path: string): CaptureLink {
  if (typeof path !== "string") throw invalidType("path", "the path of a file", path);
  if (path.length === 0) throw invalidValue("path", "the path of a file", path);
  return { kind: "capture", link: checkLink("link", link), path: resolve(path) };
}
