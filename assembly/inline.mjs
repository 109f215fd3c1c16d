// A step of the compiler (`npm run build:wasm`): functions that are called at one place only, and small ones wherever they are called, are put
// where they are called, before asc's own optimiser sees them. asc's bounds are for small modules; with these the core is a quarter larger,
// and a segment costs a tenth less (docs/performance.md, "Inlining").

/** Sizes are Binaryen's count of a function's expressions. */
const ONE_CALLER_MOST = 3000;
const ALWAYS_MOST = 60;
const FLEXIBLE_MOST = 120;

export default class Inline {
  /** @param {import("binaryen").Module} module - what was compiled; `this.binaryen` is set by asc */
  afterCompile(module) {
    const { binaryen } = this;
    binaryen.setOptimizeLevel(3);
    binaryen.setShrinkLevel(0);
    binaryen.setOneCallerInlineMaxSize(ONE_CALLER_MOST);
    binaryen.setAlwaysInlineMaxSize(ALWAYS_MOST);
    binaryen.setFlexibleInlineMaxSize(FLEXIBLE_MOST);
    binaryen.setAllowInliningFunctionsWithLoops(true);
    module.runPasses(["inlining-optimizing"]);
  }
}
