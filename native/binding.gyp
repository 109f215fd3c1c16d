{
  "targets": [
    {
      "target_name": "wasmtcp",
      "conditions": [
        ["OS=='linux'", {
          "sources": [
            "addon.cc",
            "arguments.cc",
            "fanout.cc",
            "frame-sender.cc",
            "interface-info.cc",
            "link-monitor.cc",
            "loop-watcher.cc",
            "packet-filter.cc",
            "packet-ring.cc",
            "packet-socket-options.cc",
            "packet-socket.cc",
            "receive-rings.cc",
            "thread-affinity.cc",
            "waiter.cc",
            "wake.cc"
          ],
          "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
          # The last one: in a worker that is being terminated no call can throw any more, and must not abort the process.
          "defines": [
            "NAPI_VERSION=8",
            "NODE_ADDON_API_CPP_EXCEPTIONS",
            "NODE_ADDON_API_DISABLE_DEPRECATED",
            "WASMTCP_SOURCES=<!(node sources-hash.mjs)u",
            "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"
          ],
          "cflags": ["-O2", "-Wall", "-Wextra"],
          "cflags!": ["-fno-exceptions", "-O3", "-Wno-unused-parameter"],
          "cflags_cc": ["-std=c++20", "-fexceptions", "-fvisibility=hidden"],
          "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-std=gnu++20"]
        }, {
          "type": "none"
        }]
      ]
    }
  ]
}
