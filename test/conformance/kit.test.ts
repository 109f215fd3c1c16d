// The command line of the kit, and the search for the smallest tolerance.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { kitCommand } from "./kit.ts";
import { smallest } from "./report.ts";

const kit = suite("test/conformance/kit");
const PATHS = { packetdrill: "/p/gtests/net/packetdrill/packetdrill", kit: "/k" };

/** The word after an option. */
function wordAfter(command: string[], option: string): string | undefined {
  const at = command.indexOf(option);
  return at < 0 ? undefined : command[at + 1];
}

kit("runs the kit's list on the scripts beside packetdrill, with our port", () => {
  const command = kitCommand(PATHS, ["-v"]);
  assert.is(command[0], "/k/run.py");
  assert.is(wordAfter(command, "--list"), "/k/given.txt");
  assert.is(wordAfter(command, "--scripts"), "/p/gtests/net/tcp");
  assert.match(wordAfter(command, "--port-command")!, /test\/conformance\/main\.ts \{socket\}$/);
  assert.is(command.at(-1), "-v");
});

kit("leaves the choice of scripts to whoever makes one", () => {
  const command = kitCommand(PATHS, ["--glob", "close/*.pkt", "--scripts=/elsewhere"]);
  assert.is(wordAfter(command, "--list"), undefined);
  assert.is(wordAfter(command, "--scripts"), undefined);
});

kit("finds the smallest number that holds", () => {
  for (const limit of [1, 2, 4999, 9500, 100_000])
    assert.is(
      smallest(1, 100_000, (value) => value >= limit),
      limit,
    );
  assert.is(
    smallest(1, 10, () => false),
    null,
  );
});

kit.run();
