// The circular queue against an array.
import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Fifo } from "../../../src/links/fifo.ts";

const test = suite("links/fifo");

test("behaves as an array does under any pushes and shifts, through growth and wrap", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 300 }), fc.nat(40), (pushes, ahead) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      for (let i = 0; i < ahead; i++) model.push(i);
      for (const item of model) fifo.push(item);
      pushes.forEach((push, i) => {
        if (push) {
          fifo.push(1000 + i);
          model.push(1000 + i);
        } else {
          assert.is(fifo.shift(), model.shift());
        }
        assert.is(fifo.size, model.length);
        assert.is(fifo.peek(), model[0]);
      });
      while (model.length > 0) assert.is(fifo.shift(), model.shift());
      assert.is(fifo.shift(), undefined);
    }),
  );
});

test.run();
